"""Messages: sent, edited, deleted."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chatapi.api.errors import ApiError, ErrorCode, forbidden, not_found
from chatapi.api.idempotency import conflict
from chats import hints, representations
from chats.actions import events, messages_postgresql
from chats.models import Chat, ChatUser, EventType, Message, MessageRevision

RETRIED_SOON = timedelta(minutes=5)


def send(
    author: ChatUser, text: str, idempotency_key: str | None = None, request_hash: bytes = b""
) -> tuple[dict[str, Any], bool]:
    """Put `text` into the author's chat; returns the message as shown, and whether it is a replay.

    With an `idempotency_key` that the author used before, nothing is written and the first answer
    is given; ApiError 422 `idempotency_conflict` when `request_hash` differs. ApiError 403
    `chat_closed` for a closed chat, 401 for an author who left in this moment.
    """
    try:
        if connection.vendor == "postgresql":
            return write_at_once(author, text, idempotency_key, request_hash), False
        with transaction.atomic():
            row = write(author, text, idempotency_key, request_hash)
    except IntegrityError:
        # The unique key refused a second one; the number that was taken went back with it.
        if idempotency_key is None:
            raise
        return first_answer(author, text, idempotency_key, request_hash), True
    except ApiError as error:
        # A retry of a message that was taken is answered, even if the chat was closed since.
        if idempotency_key is None or error.error_code != ErrorCode.CHAT_CLOSED:
            raise
        try:
            return first_answer(author, text, idempotency_key, request_hash), True
        except Message.DoesNotExist:
            raise error from None
    return row, False


def write_at_once(
    author: ChatUser, text: str, idempotency_key: str | None, request_hash: bytes
) -> dict[str, Any]:
    given = request_hash if idempotency_key else None
    sent = messages_postgresql.write(author, text, idempotency_key, given)
    message = Message(
        id=sent.id,
        chat_id=author.chat_id,
        seq=sent.seq,
        author=author,
        text=text,
        assurance=author.assurance,
        created_at=sent.created_at,
    )
    answer = shown(message, author)
    hints.publish_event(sent.company_id, created(message, answer))
    return answer


def created(message: Message, answer: dict[str, Any]) -> dict[str, Any]:
    """The event of a message that was sent."""
    return representations.event_from_parts(
        message.chat_id, message.seq, EventType.MESSAGE_CREATED, message.created_at, answer
    )


def write(
    author: ChatUser, text: str, idempotency_key: str | None, request_hash: bytes
) -> dict[str, Any]:
    # Statement 1: the chat's row lock, its next number and its status.
    turn = events.next_seq(author.chat_id, message=True)
    if turn.status != Chat.Status.OPEN:
        raise forbidden(ErrorCode.CHAT_CLOSED)
    now = timezone.now()
    # Statement 2.
    message = Message.objects.create(
        chat_id=author.chat_id,
        seq=turn.seq,
        author=author,
        text=text,
        assurance=author.assurance,
        created_at=now,
        idempotency_key=idempotency_key,
        request_hash=request_hash if idempotency_key else None,
    )
    # Statement 3.
    answer = shown(message, author)
    events.insert(turn, EventType.MESSAGE_CREATED, now, answer, message_id=message.pk)
    # Statement 4: sending reads up to one's own message; somebody who left meanwhile has no say.
    active = ChatUser.objects.filter(pk=author.pk, status=ChatUser.Status.ACTIVE)
    if not active.update(last_read_seq=turn.seq):
        raise ApiError(401, ErrorCode.INVALID_TOKEN)
    return answer


def shown(message: Message, author: ChatUser) -> dict[str, Any]:
    """A message as it is answered, its author known."""
    row = {field: getattr(message, field) for field in representations.MESSAGE_COLUMNS}
    row["author__first_name"] = author.first_name
    row["author__last_name"] = author.last_name
    row["author__role"] = author.role
    return representations.message(row)


def first_answer(
    author: ChatUser, text: str, idempotency_key: str, request_hash: bytes
) -> dict[str, Any]:
    """What the first request with this key was answered, whatever became of the message since."""
    message = Message.objects.get(
        chat_id=author.chat_id, author=author, idempotency_key=idempotency_key
    )
    if bytes(message.request_hash or b"") != request_hash:
        raise conflict()
    as_sent = message.edited_at is None and message.deleted_at is None
    # The same body was sent again, so its text is the text of then.
    message.text, message.edited_at, message.deleted_at = text, None, None
    answer = shown(message, author)
    if as_sent and timezone.now() - message.created_at < RETRIED_SOON:
        # Whoever took the first one may have died before it told of it.
        hints.publish_event(author.chat.company_id, created(message, answer))
    return answer


def edit(author: ChatUser, message_id: int, text: str) -> Message:
    """Replace the text of one's own message; it keeps its seq, and members can see the text before.

    ApiError 403 when it is another's, deleted, too old or in a closed chat; 404 when there is none.
    """
    with transaction.atomic():
        chat = events.lock_chat(author.chat_id)
        message = find(chat.pk, message_id)
        if message.author_id != author.pk:
            raise forbidden(ErrorCode.NOT_AUTHOR)
        if message.author.status != ChatUser.Status.ACTIVE:
            raise ApiError(401, ErrorCode.INVALID_TOKEN)  # left in this moment
        if message.deleted_at is not None:
            raise forbidden(ErrorCode.MESSAGE_DELETED)
        if chat.status != Chat.Status.OPEN:
            raise forbidden(ErrorCode.CHAT_CLOSED)
        now = timezone.now()
        if now > message.created_at + timedelta(minutes=chat.company.edit_window_minutes):
            raise forbidden(ErrorCode.EDIT_WINDOW_OVER)
        if text != message.text:
            MessageRevision.objects.create(
                chat_id=chat.pk, message=message, text=message.text, replaced_at=now
            )
            message.text, message.edited_at = text, now
            message.save(update_fields=["text", "edited_at"])
            record(message, EventType.MESSAGE_UPDATED)
    return message


def delete(chat_id: int, message_id: int, author: ChatUser | None) -> Message:
    """Leave a tombstone of a message: its text and its earlier texts go. Again, nothing happens.

    `author` is the chat user who asks, None for a manager. ApiError 403 when it is another's.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat_id)
        message = find(chat.pk, message_id)
        if author is not None and message.author_id != author.pk:
            raise forbidden(ErrorCode.NOT_AUTHOR)
        if message.deleted_at is None:
            message.text, message.deleted_at = "", timezone.now()
            message.save(update_fields=["text", "deleted_at"])
            message.revisions.all().delete()
            record(message, EventType.MESSAGE_DELETED)
    return message


def find(chat_id: int, message_id: int) -> Message:
    message = (
        Message.objects.select_related("author").filter(chat_id=chat_id, pk=message_id).first()
    )
    if message is None:
        raise not_found()
    return message


def record(message: Message, type: EventType) -> None:
    turn = events.next_seq(message.chat_id)
    answer = shown(message, message.author)
    events.insert(turn, type, timezone.now(), answer, message_id=message.pk)
