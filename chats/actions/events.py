"""Append to the log of a chat. Every change takes the next seq in its own transaction.

The row lock of the chat orders its writers, so that seqs have no gaps and commit in order.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from chatapi.api.errors import not_found
from chats import hints, representations
from chats.models import Chat, ChatUser, Event, EventType

# A message also moves `last_message_seq`. The statement is the same on both databases.
NEXT_SEQ = """
UPDATE chats_chat
SET last_seq = last_seq + 1,
    last_message_seq = CASE WHEN %s THEN last_seq + 1 ELSE last_message_seq END
WHERE id = %s AND deleted_at IS NULL
RETURNING last_seq, status, company_id
"""


class ReservedSeq(NamedTuple):
    """A seq in a chat's log, with the chat's status at that moment, and its company."""

    chat_id: int
    seq: int
    status: str
    company_id: int


def next_seq(chat_id: int, *, message: bool = False) -> ReservedSeq:
    """Reserve the chat's next seq. Other writers of the chat wait until the transaction ends.

    Raises ApiError 404 when the chat has been deleted.
    """
    assert connection.in_atomic_block, "a seq must be reserved in the transaction of its change"
    with connection.cursor() as cursor:
        cursor.execute(NEXT_SEQ, [message, chat_id])
        row = cursor.fetchone()
    if row is None:
        raise not_found()
    return ReservedSeq(chat_id, *row)


def lock_chat(chat_id: int) -> Chat:
    """Lock a chat against other writers. Raises ApiError 404 when it has been deleted."""
    chat = (
        Chat.objects.select_for_update(of=("self",))
        .select_related("company")
        .filter(pk=chat_id, deleted_at=None, company__deleted_at=None)
        .first()
    )
    if chat is None:
        raise not_found()
    return chat


def append(chat_id: int, type: EventType, data: dict[str, Any]) -> int:
    """Append an event; returns its seq."""
    reserved = next_seq(chat_id)
    insert(reserved, type, timezone.now(), data)
    return reserved.seq


def append_for_chat_user(chat_user: ChatUser, type: EventType) -> int:
    """Append an event of a chat user, as they are now."""
    return append(chat_user.chat_id, type, representations.chat_user(chat_user))


def append_for_chat(chat: Chat, type: EventType) -> int:
    """Append an event of a chat, as it is now."""
    return append(chat.pk, type, representations.chat(chat))


def insert(reserved: ReservedSeq, type: EventType, at: datetime, data: dict[str, Any]) -> None:
    """Insert the event of a seq that was reserved in this transaction, and publish it."""
    store(reserved, type, at, data=data)
    publish(reserved, type, at, data)


def insert_of_message(
    reserved: ReservedSeq,
    type: EventType,
    at: datetime,
    message_id: int,
    message: dict[str, Any],
    reaction: dict[str, Any] | None = None,
) -> None:
    """The same for an event of a message. Of the message, only the id is stored."""
    store(reserved, type, at, message_id=message_id, data=reaction)
    publish(reserved, type, at, representations.message_event_data(message, reaction))


def store(reserved: ReservedSeq, type: EventType, at: datetime, **fields: Any) -> None:
    Event.objects.create(
        chat_id=reserved.chat_id,
        company_id=reserved.company_id,
        seq=reserved.seq,
        type=type,
        created_at=at,
        **fields,
    )


def publish(reserved: ReservedSeq, type: EventType, at: datetime, data: dict[str, Any]) -> None:
    hints.publish_event(
        reserved.company_id,
        representations.event_from_parts(reserved.chat_id, reserved.seq, type, at, data),
    )
