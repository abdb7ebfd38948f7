"""The log: every change in a chat takes the next number in its own transaction.

The chat's row lock orders the writers, so that numbers have no gap and commit in order.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from chatapi.api.errors import not_found
from chats import hints, representations
from chats.models import Chat, ChatUser, Event, EventType

# `last_message_seq` follows when the turn is a message's. One statement on either database.
TAKE_TURN = """
UPDATE chats_chat
SET last_seq = last_seq + 1,
    last_message_seq = CASE WHEN %s THEN last_seq + 1 ELSE last_message_seq END
WHERE id = %s AND deleted_at IS NULL
RETURNING last_seq, status, company_id
"""


class Turn(NamedTuple):
    """A number in a chat's log, the chat's status when it was taken, and its company."""

    chat_id: int
    seq: int
    status: str
    company_id: int


def take_turn(chat_id: int, *, message: bool = False) -> Turn:
    """The chat's next number; every other writer of the chat waits until the transaction ends.

    ApiError 404 when the chat is gone.
    """
    assert connection.in_atomic_block, "a number belongs to the transaction of its change"
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURN, [message, chat_id])
        row = cursor.fetchone()
    if row is None:
        raise not_found()
    return Turn(chat_id, *row)


def lock(chat_id: int) -> Chat:
    """The chat as it stands, with its other writers kept waiting. ApiError 404 when it is gone."""
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
    """Write what happened as the chat's next event; returns its seq."""
    turn = take_turn(chat_id)
    write(turn, type, timezone.now(), data)
    return turn.seq


def of_user(chat_user: ChatUser, type: EventType) -> int:
    """Write what happened to a chat user, as they stand now."""
    return append(chat_user.chat_id, type, representations.chat_user(chat_user))


def of_chat(chat: Chat, type: EventType) -> int:
    """Write what happened to a chat, as it stands now."""
    return append(chat.pk, type, representations.chat(chat))


def write(
    turn: Turn, type: EventType, at: datetime, data: dict[str, Any], message_id: int | None = None
) -> None:
    """Write the event of a turn that was taken in this transaction; the streams hear of it.

    `data` is what the event shows; of a message only `message_id` is stored.
    """
    Event.objects.create(
        chat_id=turn.chat_id,
        company_id=turn.company_id,
        seq=turn.seq,
        type=type,
        created_at=at,
        message_id=message_id,
        data=data if message_id is None else None,
    )
    hints.tell(turn.company_id, representations.shown(turn.chat_id, turn.seq, type, at, data))
