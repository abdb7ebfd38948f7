"""Insert a message and its event in one statement. PostgreSQL only.

Other databases use `messages.insert`. Each part of the statement reads the rows of the one before,
so the parts run in this order.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from django.db import DataError, connection, transaction

from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.db.terms import MARK
from chatapi.text.search import terms
from chats.models import Chat, ChatUser, EventType, Message
from chats.models.messages import searchable_text

# Set by the statement itself. All other columns come from the instance.
CHOSEN_BY_DATABASE = {"id", "chat", "seq", "author", "created_at", "terms"}


@cache
def sent_fields() -> list[Any]:
    return [f for f in Message._meta.concrete_fields if f.name not in CHOSEN_BY_DATABASE]


@cache
def statement() -> str:
    """The chat's row is locked before the clock is read, so that times increase with seqs.

    If the author has left, 1/0 aborts the statement, so no sequence number is consumed.
    """
    columns = [connection.ops.quote_name(field.column) for field in sent_fields()]
    return f"""
WITH turn AS (
    UPDATE chats_chat SET last_seq = last_seq + 1, last_message_seq = last_seq + 1
    WHERE id = %s AND deleted_at IS NULL AND status = '{Chat.Status.OPEN}'
    RETURNING id, last_seq, company_id, last_member_seq
), author AS (
    UPDATE chats_chatuser SET last_read_seq = turn.last_seq FROM turn
    WHERE chats_chatuser.id = %s AND chats_chatuser.status = '{ChatUser.Status.ACTIVE}'
    RETURNING chats_chatuser.id
), message AS (
    INSERT INTO chats_message (chat_id, seq, author_id, created_at, terms, {", ".join(columns)})
    SELECT turn.id, turn.last_seq, author.id, clock_timestamp(),
        (%s::text || ' {MARK}' || turn.company_id)::tsvector,
        {", ".join(["%s"] * len(columns))}
    FROM turn, author
    RETURNING id, chat_id, seq, created_at
), event AS (
    INSERT INTO chats_event (chat_id, company_id, seq, type, created_at, message_id)
    SELECT message.chat_id, turn.company_id, message.seq, '{EventType.MESSAGE_CREATED}',
        message.created_at, message.id
    FROM turn, message
)
SELECT turn.company_id, message.id, message.seq, message.created_at,
    1 / (SELECT count(*) FROM author), turn.last_member_seq
FROM turn LEFT JOIN message ON TRUE
"""  # noqa: S608 (only names of columns)


def insert(message: Message) -> tuple[int, int]:
    """Insert a message, its event and the author's read position.

    Returns the company's id, and the newest number of the members' log. Sets the id, seq and time
    of `message`. Raises ApiError 403 `chat_closed`, 404 for a deleted
    chat and 401 for an author who has left; IntegrityError when the author has used the key before.
    """
    text_terms = " ".join(terms(searchable_text(message.text, message.attachments)))
    values: list[Any] = [message.chat_id, message.author_id, text_terms]
    for field in sent_fields():
        values.append(field.get_db_prep_save(getattr(message, field.attname), connection))
    try:
        with savepoint(), connection.cursor() as cursor:
            cursor.execute(statement(), values)
            row = cursor.fetchone()
    except DataError:
        raise ApiError(ErrorCode.INVALID_TOKEN) from None
    if row is not None:
        company_id, message.pk, message.seq, message.created_at, _, member_seq = row
        return int(company_id), int(member_seq)
    if Chat.objects.filter(pk=message.chat_id, deleted_at=None).exists():
        raise ApiError(ErrorCode.CHAT_CLOSED)
    raise not_found()


def savepoint() -> AbstractContextManager[None]:
    """A savepoint inside a transaction. Outside one, a failed statement needs none."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
