"""Chat-user tokens: made, and ended with the participation they stand for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from accounts import browser_token
from accounts.actions import USE_NOTED_EVERY
from accounts.models import User
from chatapi import tokens
from chatapi.hints import access_changed
from chats.hints import chat_channel
from chats.models import AuthCode, ChatUser, ChatUserToken


def issue(chat_user: ChatUser, days: int, *, by_browser: bool = False) -> tuple[ChatUserToken, str]:
    """A new token and its plain text, which is nowhere kept.

    The chat's id stands in the token, so that one look-up in one chat finds it.
    """
    plain = tokens.mint(f"{ChatUserToken.PREFIX}{chat_user.chat_id}_")
    now = timezone.now()
    token = ChatUserToken.objects.create(
        chat_id=chat_user.chat_id,
        chat_user=chat_user,
        digest=tokens.digest(plain),
        by_browser=by_browser,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=days),
    )
    return token, plain


def note_use(token: ChatUserToken, now: datetime) -> None:
    """Keep when a token was last used, written at most once a minute."""
    if token.last_used_at < now - USE_NOTED_EVERY:
        note_uses([token.pk], now)


def note_uses(token_ids: Sequence[int], now: datetime) -> None:
    if token_ids:
        ChatUserToken.objects.filter(pk__in=token_ids).update(last_used_at=now)


def end_all(chat_user: ChatUser) -> None:
    """End every token and every open code of a chat user at once."""
    now = timezone.now()
    chat_user.tokens.filter(revoked_at=None).update(revoked_at=now)
    AuthCode.objects.filter(chat_user=chat_user, used_at=None).update(used_at=now)
    access_changed(chat_channel(chat_user.chat_id))


@receiver(browser_token.ended)
def end_with_the_session(sender: Any, user: User, **kwargs: Any) -> None:
    """End what an account's browsers got in chats. One that is still logged in gets it anew."""
    found = ChatUserToken.objects.filter(chat_user__user=user, by_browser=True, revoked_at=None)
    chats = set(found.values_list("chat_id", flat=True))
    found.update(revoked_at=timezone.now())
    for chat_id in chats:
        access_changed(chat_channel(chat_id))
