"""Send, edit and delete messages."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.idempotency import conflict
from chatapi.files.uploads import Upload
from chats import hints, representations
from chats.access import events as event_access
from chats.actions import attachments, events, messages_postgresql, search_index, transcripts
from chats.actions import mentions as mention_actions
from chats.models import Attachment, Chat, ChatUser, EventType, Message, MessageRevision

RETRY_WINDOW = timedelta(minutes=5)
MAX_EDITS = 100  # of one message, whose earlier texts are kept
# Errors of a retry whose first attempt may have been accepted.
MAY_HAVE_CHANGED = {
    ErrorCode.CHAT_CLOSED,
    ErrorCode.VALIDATION_FAILED,
    ErrorCode.ATTACHMENT_UNKNOWN,
}


def send(
    author: ChatUser,
    text: str,
    idempotency_key: str | None = None,
    request_hash: bytes = b"",
    *,
    reply_to_id: int | None = None,
    attachment_ids: Sequence[int] = (),
    mentions: Sequence[int] = (),
) -> tuple[dict[str, Any], bool]:
    """Send a message to the author's chat. Returns its public form, and whether it is a replay.

    If the author has used the `idempotency_key` before, nothing is written and the first answer is
    returned. Raises ApiError 422 `idempotency_conflict` when `request_hash` differs, 422 when there
    is no message to reply to or no such member to mention, 422 `attachment_unknown`, 403
    `chat_closed` for a closed chat, and 401 for an author who has just left.
    """
    message = Message(
        chat_id=author.chat_id,
        author=author,
        text=text,
        assurance=author.assurance,
        idempotency_key=idempotency_key,
        request_hash=request_hash if idempotency_key else None,
    )
    try:
        if reply_to_id is not None:
            message.reply_to = quotable(author.chat_id, reply_to_id)
        if attachment_ids or mentions:
            return insert_with(message, author, attachment_ids, mentions), False
        return insert(message, author), False
    except IntegrityError:
        # The unique key refused a duplicate; its seq was rolled back with it.
        if idempotency_key is None:
            raise
        return replay(author, text, idempotency_key, request_hash), True
    except ApiError as error:
        # A retry of an accepted message is answered, whatever was closed or deleted since.
        if idempotency_key is None or error.error_code not in MAY_HAVE_CHANGED:
            raise
        try:
            return replay(author, text, idempotency_key, request_hash), True
        except Message.DoesNotExist:
            raise error from None


def send_with_files(
    author: ChatUser,
    text: str,
    files: Sequence[Upload],
    idempotency_key: str | None = None,
    request_hash: bytes = b"",
    *,
    reply_to_id: int | None = None,
    attachment_ids: Sequence[int] = (),
    mentions: Sequence[int] = (),
) -> tuple[dict[str, Any], bool]:
    """The same for a message that brings files, which come after `attachment_ids`.

    Also raises what `attachments.upload` does. Files that the message does not get are discarded.
    """
    if idempotency_key is not None:
        # Before the upload, which a chat closed since or a full quota would refuse.
        with suppress(Message.DoesNotExist):
            return replay(author, text, idempotency_key, request_hash), True
    new_ids: list[int] = []
    is_sent = False
    try:
        for file in files:
            new_ids.append(attachments.upload(author, file).pk)
        answer, replayed = send(
            author,
            text,
            idempotency_key,
            request_hash,
            reply_to_id=reply_to_id,
            attachment_ids=[*attachment_ids, *new_ids],
            mentions=mentions,
        )
        is_sent = not replayed
    finally:
        if new_ids and not is_sent:
            attachments.discard(Attachment.objects.filter(pk__in=new_ids, message=None))
    return answer, replayed


def quotable(chat_id: int, message_id: int) -> Message:
    """A message that can be replied to. Raises ApiError 422 when the chat has no such message."""
    messages = Message.objects.select_related("author")
    message = messages.filter(chat_id=chat_id, pk=message_id, deleted_at=None).first()
    if message is None:
        sentence = "The chat has no such message, or it was deleted."
        raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "reply_to_id")
    return message


def insert(message: Message, author: ChatUser) -> dict[str, Any]:
    """Insert a message and its event, and publish it. Returns its public form."""
    if connection.vendor == "postgresql":
        company_id, member_seq = messages_postgresql.insert(message)
        answer = represent(message, author)
        hints.publish_event(company_id, created_event(message, answer), member_seq)
        return answer
    with transaction.atomic():
        # Statement 1: lock the chat's row, and take its next seq and status.
        reserved = events.next_seq(message.chat_id, message=True)
        if reserved.status != Chat.Status.OPEN:
            raise ApiError(ErrorCode.CHAT_CLOSED)
        message.seq, message.created_at = reserved.seq, timezone.now()
        message.terms = search_index.message_terms(
            reserved.company_id, message.text, message.attachments
        )
        # Statement 2.
        message.save(force_insert=True)
        # Statement 3.
        answer = represent(message, author)
        events.insert_of_message(
            reserved, EventType.MESSAGE_CREATED, message.created_at, message.pk, answer
        )
        # Statement 4: sending marks the chat as read. An author who has just left is refused.
        active = ChatUser.objects.filter(pk=author.pk, status=ChatUser.Status.ACTIVE)
        if not active.update(last_read_seq=reserved.seq):
            raise ApiError(ErrorCode.INVALID_TOKEN)
    return answer


def insert_with(
    message: Message, author: ChatUser, ids: Sequence[int], mentions: Sequence[int]
) -> dict[str, Any]:
    """The same for a message that claims attachments with these `ids`, or mentions members.

    Raises ApiError 422 when it can't.
    """
    with transaction.atomic():
        # The chat first, as in all transactions that change attachments of messages.
        if events.lock_chat(message.chat_id).status != Chat.Status.OPEN:
            raise ApiError(ErrorCode.CHAT_CLOSED)
        if ids:
            claimed = attachments.claim(author, ids)
            message.attachments = [attachments.shown(each) for each in claimed]
        answer = insert(message, author)
        if ids:
            Attachment.objects.filter(pk__in=ids).update(message=message)
        if mentions:
            mention_actions.in_message(author, answer, mentions)
    return answer


def created_event(message: Message, answer: dict[str, Any]) -> dict[str, Any]:
    """The `message.created` event of a sent message."""
    return representations.event_from_parts(
        message.chat_id, message.seq, EventType.MESSAGE_CREATED, message.created_at, answer
    )


def represent(message: Message, author: ChatUser) -> dict[str, Any]:
    """The public form of a message whose author is at hand."""
    row = {field: getattr(message, field) for field in representations.MESSAGE_COLUMNS}
    row |= names_of(author, "author__")
    if message.reply_to is not None:
        quoted = message.reply_to
        for field in representations.QUOTED_COLUMNS:
            row[f"reply_to__{field}"] = getattr(quoted, field)
        row |= names_of(quoted.author, "reply_to__author__")
    return representations.message(row)


def names_of(author: ChatUser, prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": getattr(author, name) for name in representations.AUTHOR_NAMES}


def replay(
    author: ChatUser, text: str, idempotency_key: str, request_hash: bytes
) -> dict[str, Any]:
    """The answer to the first request with this key, even if the message has changed since."""
    message = Message.objects.select_related("reply_to__author").get(
        chat_id=author.chat_id, author=author, idempotency_key=idempotency_key
    )
    if bytes(message.request_hash or b"") != request_hash:
        raise conflict()
    unchanged = not (message.edited_at or message.deleted_at or message.reactions)
    # The same body was sent again, so it has the original text.
    message.text, message.edited_at, message.deleted_at = text, None, None
    message.reactions = None
    answer = represent(message, author)
    if unchanged and timezone.now() - message.created_at < RETRY_WINDOW:
        # The process of the first request may have died before it published the event.
        before = event_access.member_seq_before(message.chat_id, message.seq)
        hints.publish_event(author.chat.company_id, created_event(message, answer), before)
    return answer


def edit(author: ChatUser, message_id: int, text: str) -> Message:
    """Replace the text of a message. It keeps its seq, and members can see the earlier text.

    Raises ApiError 403 when `author` did not write it, or it is deleted, too old or in a closed
    chat; 404 when it does not exist; 422 when it was edited too often.
    """
    with transaction.atomic():
        chat = events.lock_chat(author.chat_id)
        message = get(chat.pk, message_id)
        if message.author_id != author.pk:
            raise ApiError(ErrorCode.NOT_AUTHOR)
        if message.author.status != ChatUser.Status.ACTIVE:
            raise ApiError(ErrorCode.INVALID_TOKEN)  # has just left
        require_changeable(chat, message)
        now = timezone.now()
        require_in_window(chat, message.created_at, now)
        if text != message.text:
            if message.revisions.count() >= MAX_EDITS:
                sentence = f"A message can be edited at most {MAX_EDITS} times."
                raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "text")
            MessageRevision.objects.create(
                chat_id=chat.pk, message=message, text=message.text, replaced_at=now
            )
            message.text, message.edited_at = text, now
            message.terms = search_index.message_terms(chat.company_id, text, message.attachments)
            message.save(update_fields=["text", "edited_at", "terms"])
            append_event(message, EventType.MESSAGE_UPDATED)
    return message


def delete(chat_id: int, message_id: int, author: ChatUser | None) -> Message:
    """Reduce a message to a tombstone, without its text and earlier texts. Idempotent.

    `author` is the chat user who deletes it, None for a manager. Raises ApiError 403 when they did
    not write it.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat_id)
        message = get(chat.pk, message_id)
        if author is not None and message.author_id != author.pk:
            raise ApiError(ErrorCode.NOT_AUTHOR)
        if message.deleted_at is None:
            transcripts.seal_message(message)
            message.text, message.deleted_at = "", timezone.now()
            had_attachments = bool(message.attachments)
            message.reactions = message.attachments = message.terms = None
            message.save(update_fields=["text", "reactions", "attachments", "deleted_at", "terms"])
            message.revisions.all().delete()
            if had_attachments:
                attachments.discard(Attachment.objects.filter(chat_id=chat.pk, message=message))
            append_event(message, EventType.MESSAGE_DELETED)
    return message


def get(chat_id: int, message_id: int) -> Message:
    """A message with its author and what it replies to. Raises ApiError 404."""
    messages = Message.objects.select_related("author", "reply_to__author")
    message = messages.filter(chat_id=chat_id, pk=message_id).first()
    if message is None:
        raise not_found()
    return message


def require_in_window(chat: Chat, written_at: datetime, now: datetime) -> None:
    """Raises ApiError 403 when a message or note of the chat is too old to be edited."""
    if now > written_at + timedelta(minutes=chat.company.edit_window_minutes):
        raise ApiError(ErrorCode.EDIT_WINDOW_OVER)


def require_changeable(chat: Chat, message: Message) -> None:
    """Raises ApiError 403 when the message was deleted or the chat is closed."""
    if message.deleted_at is not None:
        raise ApiError(ErrorCode.MESSAGE_DELETED)
    if chat.status != Chat.Status.OPEN:
        raise ApiError(ErrorCode.CHAT_CLOSED)


def append_event(
    message: Message, type: EventType, reaction: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Append an event of a message. Returns the public form of the message."""
    reserved = events.next_seq(message.chat_id)
    answer = represent(message, message.author)
    events.insert_of_message(reserved, type, timezone.now(), message.pk, answer, reaction)
    return answer
