"""The messages of a chat."""

from functools import cache
from typing import Any

from django.db.models import BigIntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chatapi.db.compiled import Compiled, Parameter
from chats.models import Chat, Message
from chats.representations import MESSAGE_FIELDS


def last_messages(found: list[Chat]) -> dict[int, dict[str, Any]]:
    """The newest message of each of these chats, as rows of MESSAGE_FIELDS by id."""
    ids = [chat.last_message_id for chat in found if chat.last_message_id]
    rows = Message.objects.filter(pk__in=ids).values(*MESSAGE_FIELDS)
    return {row["id"]: row for row in rows}


def ordering(chat_id: int) -> Ordering:
    return Ordering(f"messages {chat_id}", {"seq": NUMBER})


def messages(chat_id: int) -> QuerySet[Message, dict[str, Any]]:
    """The messages of a chat as rows of MESSAGE_FIELDS."""
    rows: QuerySet[Message, dict[str, Any]] = Message.objects.filter(chat_id=chat_id).values(
        *MESSAGE_FIELDS
    )
    return rows


@cache
def first_page_query(order: str, size: int) -> Compiled[Message]:
    def build() -> QuerySet[Message, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        return messages(chat_id).order_by("seq" if order == "asc" else "-seq")[:size]

    return Compiled(build)


def first_page(chat_id: int, order: str, size: int) -> list[dict[str, Any]]:
    """The newest messages of a chat, or with `asc` its oldest, as rows of MESSAGE_FIELDS."""
    return first_page_query(order, size).dicts(chat_id=chat_id)


@cache
def adjacent_query(side: str, size: int) -> Compiled[Message]:
    def build() -> QuerySet[Message, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        seq = Parameter("seq", BigIntegerField())
        if side == "before":
            return messages(chat_id).filter(seq__lt=seq).order_by("-seq")[:size]
        return messages(chat_id).filter(seq__gt=seq).order_by("seq")[:size]

    return Compiled(build)


def adjacent_messages(side: str, chat_id: int, seq: int, size: int) -> list[dict[str, Any]]:
    """The messages `before` or `after` a seq, nearest first."""
    return adjacent_query(side, size).dicts(chat_id=chat_id, seq=seq)


def get_message(chat_id: int, reference: str) -> dict[str, Any]:
    """A message of a chat. Raises ApiError 404 when it has no such message."""
    number = parse_id(reference)
    found = messages(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return dict(found)


def messages_around(
    rows: QuerySet[Message, dict[str, Any]], chat_id: int, seq: int, size: int
) -> Any:
    """`size` rows, oldest first: half of them before `seq`, the rest from `seq` on, plus one."""
    before = Message.objects.filter(chat_id=chat_id, seq__lt=seq).order_by("-seq").values("seq")
    half = size // 2
    first = Coalesce(
        Subquery(before[half - 1 : half]) if half else Value(seq),
        Value(0),
        output_field=BigIntegerField(),
    )
    return rows.filter(seq__gte=first).order_by("seq")[: size + 1]
