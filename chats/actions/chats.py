"""Create, update, close and delete chats."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model, Q
from django.utils import timezone

from chatapi.api.encoding import instant
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.bus import publish
from chatapi.db.encryption import decrypt, encrypt
from chats import hints
from chats.actions import attachments, chat_users, events, messages, transcripts
from chats.hints import chat_channel
from chats.models import (
    Attachment,
    AuthCode,
    Chat,
    ChatUser,
    ChatUserToken,
    Event,
    EventType,
    Message,
    MessageRevision,
)
from chats.models.chats import MAX_NAME_LENGTH
from companies.models import Company

# Without look-alikes, so that a password can be read aloud and typed.
READABLE_CHARACTERS = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679"
PASSWORD_LENGTH = 14
TYPING_DURATION = timedelta(seconds=6)


def make_password() -> str:
    return "".join(secrets.choice(READABLE_CHARACTERS) for _ in range(PASSWORD_LENGTH))


def password_of(chat: Chat) -> str:
    return decrypt(chat.sealed_password)


def join_url(chat: Chat, password: str) -> str:
    """The link for guests, with the password in the fragment, which browsers do not send.

    Punctuation at the end is percent-encoded even if a URL may contain it: programs that turn text
    into links take a trailing dot for the end of a sentence.
    """
    stem = password.rstrip("_.-~")
    fragment = quote(stem, safe="")
    fragment += "".join(f"%{ord(mark):02X}" for mark in password[len(stem) :])
    return f"{settings.PUBLIC_URL}/chats/{chat.pk}#{fragment}"


def create(company: Company, *, password: str = "", **fields: Any) -> Chat:
    """Create a chat. Raises ApiError 422 when its `external_id` is in use in the company."""
    try:
        with transaction.atomic():
            chat = Chat.objects.create(
                company=company, sealed_password=encrypt(password or make_password()), **fields
            )
            events.append_for_chat(chat, EventType.CHAT_CREATED)
    except IntegrityError:
        raise external_id_taken() from None
    return chat


def start(
    company: Company,
    *,
    email: str,
    first_name: str,
    last_name: str,
    message: str = "",
    network: str = "",
    may_mail: bool = True,
) -> tuple[Chat, chat_users.JoinResult]:
    """Create a chat for a guest, who joins it, with an optional first message.

    `network` and `may_mail` are those of `chat_users.join_as_guest`.
    """
    with transaction.atomic():
        name = f"{first_name} {last_name}".strip()[:MAX_NAME_LENGTH]
        chat = create(company, name=name, started_by_guest=True)
        joined = chat_users.join_as_guest(
            chat,
            email=email,
            first_name=first_name,
            last_name=last_name,
            network=network,
            may_mail=may_mail,
        )
        if message:
            messages.send(joined.chat_user, message)
    return chat, joined


def update(chat_id: int, fields: dict[str, Any]) -> Chat:
    """Update the given fields. Closing and reopening are separate events."""
    fields = dict(fields)
    password, status = fields.pop("password", None), fields.pop("status", None)
    try:
        with transaction.atomic():
            chat = events.lock_chat(chat_id)
            changed = [name for name, value in fields.items() if getattr(chat, name) != value]
            for name in changed:
                setattr(chat, name, fields[name])
            if password is not None:
                chat.sealed_password = encrypt(password)
                changed.append("sealed_password")
            if changed:
                chat.save(update_fields=changed)
                events.append_for_chat(chat, EventType.CHAT_UPDATED)
            if status is not None and status != chat.status:
                set_status(chat, status)
    except IntegrityError:
        raise external_id_taken() from None
    return chat


def set_status(chat: Chat, status: str) -> None:
    chat.status = status
    chat.save(update_fields=["status"])
    closes = status == Chat.Status.CLOSED
    events.append_for_chat(chat, EventType.CHAT_CLOSED if closes else EventType.CHAT_REOPENED)
    if closes and chat.company.mail_transcripts:
        transcripts.mail_at_closing(chat)


def rotate_password(chat_id: int) -> Chat:
    """Set a new password. The old link stops working; chat users stay in the chat."""
    return update(chat_id, {"password": make_password()})


def delete(chat: Chat) -> Chat:
    """Hide a chat and end its tokens. Staff can restore it until it is pruned."""
    chat.deleted_at = timezone.now()
    Chat.objects.filter(pk=chat.pk, deleted_at=None).update(deleted_at=chat.deleted_at)
    publish.access_changed(chat_channel(chat.pk))
    return chat


def restore(chat: Chat) -> None:
    """Restore a deleted chat. Raises ApiError 422 when its `external_id` is in use by now."""
    try:
        with transaction.atomic():
            Chat.objects.filter(pk=chat.pk).update(deleted_at=None)
    except IntegrityError:
        raise external_id_taken() from None


def purge(chat_id: int, expired: Q) -> bool:
    """Remove a chat and everything in it permanently, if `expired` still matches it."""
    # Deleted by chat id, which indexes each of these tables; children before their parents.
    parts: tuple[type[Model], ...] = (
        Event,
        MessageRevision,
        Message,
        AuthCode,
        ChatUserToken,
        ChatUser,
    )
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(pk=chat_id).first()
        if chat is None or not Chat.objects.filter(expired, pk=chat_id).exists():
            return False
        attachments.discard(Attachment.objects.filter(chat_id=chat_id))
        for part in parts:
            rows: Any = part._default_manager.filter(chat_id=chat_id)
            rows._raw_delete(rows.db)  # `delete` would read all rows first
        chat.delete()
    return True


def external_id_taken() -> ApiError:
    return ApiError(
        ErrorCode.VALIDATION_FAILED,
        "Another chat of this company already has this external_id.",
        "external_id",
    )


def mark_read(chat_user: ChatUser, seq: int) -> int:
    """Move a chat user's read position forward to `seq`. Returns the position."""
    behind = ChatUser.objects.filter(pk=chat_user.pk, last_read_seq__lt=seq)
    if behind.update(last_read_seq=seq):
        publish_ephemeral(chat_user, "read", {"chat_user_id": chat_user.pk, "seq": seq})
    return max(chat_user.last_read_seq, seq)


def publish_typing(chat_user: ChatUser, is_typing: bool = True) -> datetime:
    """Publish that a chat user is typing, or has stopped. Returns when it expires.

    Raises ApiError 403 `chat_closed` for a closed chat.
    """
    if chat_user.chat.status != Chat.Status.OPEN:
        raise ApiError(ErrorCode.CHAT_CLOSED)
    expires_at = timezone.now() + (TYPING_DURATION if is_typing else timedelta())
    data = {"chat_user_id": chat_user.pk, "expires_at": instant(expires_at)}
    publish_ephemeral(chat_user, "typing", data)
    return expires_at


def publish_ephemeral(chat_user: ChatUser, type: str, data: dict[str, Any]) -> None:
    hints.publish_ephemeral(chat_user.chat.company_id, chat_user.chat_id, type, data)
