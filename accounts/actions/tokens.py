"""Issue, revoke and use personal access tokens."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access.users import lock_user
from accounts.models import ApiToken, User
from chatapi.api import tokens
from chatapi.bus import publish
from chatapi.mail import outbox

# Sent in the transaction that revokes tokens, so that receivers can end the access they gave.
# Arguments: `user` and `token_ids`, which is None when all access of the account ends.
tokens_ended = Signal()
# Sent when `token` replaces `former`, just before `former` is revoked.
token_replaced = Signal()

DEFAULT_TOKEN_DAYS = 365
USE_RECORDED_EVERY = timedelta(minutes=1)


def issue_token(
    user: User,
    name: str = "",
    days: int = DEFAULT_TOKEN_DAYS,
    scopes: Iterable[str] = ApiToken.SCOPES,
) -> tuple[ApiToken, str]:
    """Create a personal access token; return it with its plain text, which is never stored.

    Raises ValidationError when the account is inactive, when a scope is unknown or none is given,
    or when `days` is not between 1 and 3650.
    """
    if not user.is_active:
        raise ValidationError(_("This account is deactivated."))
    wanted = [scope for scope in ApiToken.SCOPES if scope in set(scopes)]
    unknown = sorted(set(scopes) - set(ApiToken.SCOPES))
    if unknown or not wanted:
        raise ValidationError(f"Valid scopes are {' and '.join(ApiToken.SCOPES)}.")
    if not 1 <= days <= 3650:
        raise ValidationError(_("Enter a lifetime of 1 to 3650 days."))
    plain = tokens.mint(ApiToken.PREFIX)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        hint=plain[:8],
        digest=tokens.digest(plain),
        scopes=",".join(wanted),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, plain


def issue_token_and_notify(
    user: User, name: str, days: int, scopes: Iterable[str]
) -> tuple[ApiToken, str]:
    """Issue a token on behalf of an operator, and notify the account's owner by mail."""
    with transaction.atomic():
        token, plain = issue_token(user, name, days, scopes)
        outbox.post("token_issued", token.pk, user.email)
    return token, plain


def revoke_token(token: ApiToken) -> bool:
    """Revoke a token and end the access it gave. Returns False when it was already revoked."""
    with transaction.atomic():
        live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
        ended = bool(live.update(revoked_at=timezone.now()))
        tokens_ended.send(ApiToken, user=token.user, token_ids=[token.pk])
        publish.access_changed(f"user:{token.user_id}")
    return ended


def revoke_all_tokens(user: User) -> int:
    """Revoke all tokens of an account, and end the access that they or its memberships gave.

    Returns the number of personal access tokens revoked.
    """
    with transaction.atomic():
        lock_user(user)
        ended = user.api_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        tokens_ended.send(ApiToken, user=user, token_ids=None)
        publish.access_changed(f"user:{user.pk}")
    return ended


def record_use(token: ApiToken, now: datetime) -> None:
    """Record when a token was last used, writing at most once a minute."""
    if token.last_used_at is None or token.last_used_at < now - USE_RECORDED_EVERY:
        record_uses([token.pk], now)


def record_uses(token_ids: Sequence[int], now: datetime) -> None:
    if token_ids:
        ApiToken.objects.filter(pk__in=token_ids).update(last_used_at=now)
