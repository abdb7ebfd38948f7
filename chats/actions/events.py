"""Append to the logs of a chat. Every change takes the next number in its own transaction.

The row lock of the chat orders its writers, so that numbers have no gaps and commit in order.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from chatapi.api.errors import not_found
from chats import hints, representations
from chats.models import Chat, ChatUser, Event, EventType, MemberEvent
from chats.models.events import EVENT_KINDS, Audience

# A message also moves `last_message_seq`. The statement is the same on both databases.
NEXT_SEQ = """
UPDATE chats_chat
SET last_seq = last_seq + 1,
    last_message_seq = CASE WHEN %s THEN last_seq + 1 ELSE last_message_seq END
WHERE id = %s AND deleted_at IS NULL
RETURNING last_seq, status, company_id, last_member_seq
"""
NEXT_MEMBER_SEQ = """
UPDATE chats_chat SET last_member_seq = last_member_seq + 1
WHERE id = %s AND deleted_at IS NULL
RETURNING last_seq, status, company_id, last_member_seq
"""


class ReservedSeq(NamedTuple):
    """A seq in a chat's log, with the chat's status at that moment, and its company.

    In the members' log, `member_seq` is reserved, and `seq` is that of the event before it.
    """

    chat_id: int
    seq: int
    status: str
    company_id: int
    member_seq: int


def next_seq(chat_id: int, *, message: bool = False) -> ReservedSeq:
    """Reserve the chat's next seq. Other writers of the chat wait until the transaction ends.

    Raises ApiError 404 when the chat has been deleted.
    """
    return reserve(NEXT_SEQ, [message, chat_id])


def next_member_seq(chat_id: int) -> ReservedSeq:
    """The same in the members' log."""
    return reserve(NEXT_MEMBER_SEQ, [chat_id])


def reserve(statement: str, parameters: list[Any]) -> ReservedSeq:
    assert connection.in_atomic_block, "a seq must be reserved in the transaction of its change"
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    if row is None:
        raise not_found()
    return ReservedSeq(parameters[-1], *row)


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


def append_for_members(chat_id: int, type: EventType, data: dict[str, Any]) -> None:
    """Append an event to the members' log."""
    insert_for_members(next_member_seq(chat_id), type, timezone.now(), data)


def insert_for_members(
    reserved: ReservedSeq,
    type: EventType,
    at: datetime,
    data: dict[str, Any],
    *,
    note_id: int | None = None,
) -> None:
    """Insert the event of a member_seq that was reserved in this transaction, and publish it.

    Of a note, only the id is stored.
    """
    assert EVENT_KINDS[type].audience is Audience.MEMBERS
    MemberEvent.objects.create(
        chat_id=reserved.chat_id,
        company_id=reserved.company_id,
        member_seq=reserved.member_seq,
        seq=reserved.seq,
        position=reserved.seq + reserved.member_seq,
        type=type,
        created_at=at,
        note_id=note_id,
        data=data if note_id is None else None,
    )
    event = representations.member_event_from_parts(
        reserved.chat_id, reserved.seq, reserved.member_seq, type, at, data
    )
    hints.publish_event(reserved.company_id, event)


def store(reserved: ReservedSeq, type: EventType, at: datetime, **fields: Any) -> None:
    assert EVENT_KINDS[type].audience is Audience.EVERYONE
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
        reserved.member_seq,
    )
