"""Every write to accounts and their tokens."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiToken, User, normal_email
from chatapi import mail, tokens
from chatapi.hints import access_changed

DEFAULT_TOKEN_DAYS = 365
EMAIL_LENGTH = 254
USE_NOTED_EVERY = timedelta(minutes=1)


def account_for(email: str) -> User:
    """The account of an address, made without a password if there is none.

    Raises ValidationError when `email` is no address.
    """
    validate_email(email.strip())
    if len(email.strip()) > EMAIL_LENGTH:
        text = _("An address has at most %(most)s characters.")
        raise ValidationError(text % {"most": EMAIL_LENGTH})
    user, _made = User.objects.get_or_create(
        email=normal_email(email),
        defaults={"password": "!"},  # "!": no password fits
    )
    return user


def open_to_website(user: User, password: str) -> None:
    """Let an account log in by a password, its address taken as proven."""
    user.set_password(password)
    user.save(update_fields=["password"])
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def issue_token(
    user: User,
    name: str = "",
    days: int = DEFAULT_TOKEN_DAYS,
    scopes: Iterable[str] = ApiToken.SCOPES,
) -> tuple[ApiToken, str]:
    """A new personal access token and its plain text, which is nowhere kept.

    Raises ValidationError for an unknown scope, none at all, or days out of 1 to 3650.
    """
    wanted = [scope for scope in ApiToken.SCOPES if scope in set(scopes)]
    unknown = sorted(set(scopes) - set(ApiToken.SCOPES))
    if unknown or not wanted:
        raise ValidationError(f"Scopes are {' and '.join(ApiToken.SCOPES)}.")
    if not 1 <= days <= 3650:
        raise ValidationError(_("A token lives from 1 to 3650 days."))
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


def revoke_token(token: ApiToken) -> bool:
    """End a token now. Returns False when it had been revoked before."""
    live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    ended = bool(live.update(revoked_at=timezone.now()))
    access_changed(f"user:{token.user_id}")
    return ended


def note_use(token: ApiToken, now: datetime) -> None:
    """Keep when a token was last used, written at most once a minute."""
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        note_uses([token.pk], now)


def note_uses(token_ids: Sequence[int], now: datetime) -> None:
    if token_ids:
        ApiToken.objects.filter(pk__in=token_ids).update(last_used_at=now)


def rename(user: User, *, first_name: str, last_name: str) -> None:
    user.first_name, user.last_name = first_name, last_name
    user.save(update_fields=["first_name", "last_name"])


def end_two_factor(user: User) -> bool:
    """Let the password be enough again, and tell the person. False when it was enough already."""
    with transaction.atomic():
        ended, _each = Authenticator.objects.filter(user=user).delete()
        if ended:
            mail.post("totp_deactivated", user.pk, user.email)
    return bool(ended)
