"""Issue chat-user tokens, and end them with the participation that they stand for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.actions.tokens import USE_RECORDED_EVERY
from accounts.models import ApiToken, User
from chatapi.api import tokens
from chatapi.bus import publish
from chats.hints import chat_channel
from chats.models import AuthCode, ChatUser, ChatUserToken


def issue(
    chat_user: ChatUser, days: int, *, origin: ApiToken | None = None
) -> tuple[ChatUserToken, str]:
    """Issue a token. Returns it and its plain text, which is not stored.

    The token contains the chat's id, so that one look-up in one chat finds it. `origin` is the
    personal access token by which it was requested, already locked; the new token gets its scopes
    and expires no later.
    """
    plain = tokens.mint(f"{ChatUserToken.PREFIX}{chat_user.chat_id}_")
    now = timezone.now()
    expires_at = now + timedelta(days=days)
    if origin is not None:
        expires_at = min(expires_at, origin.expires_at)
    token = ChatUserToken.objects.create(
        chat_id=chat_user.chat_id,
        chat_user=chat_user,
        digest=tokens.digest(plain),
        origin=origin,
        scopes=origin.scopes if origin else ",".join(ApiToken.SCOPES),
        created_at=now,
        last_used_at=now,
        expires_at=expires_at,
    )
    return token, plain


def record_use(token: ChatUserToken, now: datetime) -> None:
    """Record the last use of a token, at most once a minute."""
    if token.last_used_at < now - USE_RECORDED_EVERY:
        record_uses([token.pk], now)


def record_uses(token_ids: Sequence[int], now: datetime) -> None:
    if token_ids:
        ChatUserToken.objects.filter(pk__in=token_ids).update(last_used_at=now)


def revoke_all(chat_user: ChatUser) -> None:
    """End all tokens and open auth codes of a chat user."""
    now = timezone.now()
    chat_user.tokens.filter(revoked_at=None).update(revoked_at=now)
    AuthCode.objects.filter(chat_user=chat_user, used_at=None).update(used_at=now)
    publish.access_changed(chat_channel(chat_user.chat_id))


def revoke_by_origin(user: User, origin_ids: Sequence[int] | None) -> None:
    """Revoke the tokens requested by these personal access tokens; with None, all of the account.

    The caller notifies the streams.
    """
    found = ChatUserToken.objects.filter(revoked_at=None)
    if origin_ids is None:
        found = found.filter(Q(chat_user__user=user) | Q(origin__user=user))
    else:
        found = found.filter(origin__in=origin_ids)
    found.update(revoked_at=timezone.now())


def move_to_origin(former: ApiToken, token: ApiToken) -> None:
    """Keep the tokens of a replaced personal access token valid under the new one."""
    live = ChatUserToken.objects.filter(
        origin=former, revoked_at=None, expires_at__gt=timezone.now()
    )
    moved = list(live.select_related("chat__company"))
    for each in moved:
        days = timedelta(days=each.chat.company.chat_user_token_days)
        each.origin, each.expires_at = token, min(each.created_at + days, token.expires_at)
    ChatUserToken.objects.bulk_update(moved, ["origin", "expires_at"], batch_size=100)


def revoke_from_browsers(user: User) -> None:
    """Revoke the tokens that an account's browsers got before tokens had an origin."""
    found = ChatUserToken.objects.filter(
        chat_user__user=user, by_browser=True, origin=None, revoked_at=None
    )
    chats = set(found.values_list("chat_id", flat=True))
    found.update(revoked_at=timezone.now())
    for chat_id in chats:
        publish.access_changed(chat_channel(chat_id))
