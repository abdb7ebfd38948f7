"""The events of chats."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db.models import BigIntegerField, Q, QuerySet

from chatapi.db.compiled import Compiled, Parameter
from chats.hints import Position
from chats.models import Event
from chats.representations import EVENT_FIELDS


@cache
def page_query(limit: int) -> Compiled[Event]:
    def build() -> QuerySet[Event, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        after: Any = Parameter("after", BigIntegerField())
        rows = Event.objects.filter(chat_id=chat_id, seq__gt=after).order_by("seq")
        page: QuerySet[Event, dict[str, Any]] = rows.values(*EVENT_FIELDS)[:limit]
        return page

    return Compiled(build)


def events_after(chat_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    """The events of a chat after a seq, oldest first, as rows of EVENT_FIELDS."""
    return page_query(limit).dicts(chat_id=chat_id, after=after)


def events_after_each(positions: Iterable[tuple[int, int]], limit: int) -> list[dict[str, Any]]:
    """The first `limit` events after each (chat id, seq), as rows of EVENT_FIELDS by chat and seq.

    A log has no gaps, so these are a range of seqs.
    """
    wanted = Q()
    for chat_id, after in positions:
        wanted |= Q(chat_id=chat_id, seq__gt=after, seq__lte=after + limit)
    return list(Event.objects.filter(wanted).order_by("chat_id", "seq").values(*EVENT_FIELDS))


def events_at(positions: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """The events at each (chat id, seq), except of deleted chats, as rows of EVENT_FIELDS."""
    rows = Event.objects.filter(
        pk__in=list(positions), chat__deleted_at=None, chat__company__deleted_at=None
    )
    return list(rows.values(*EVENT_FIELDS))


def company_events(company_ids: Iterable[int], after: Position, limit: int) -> list[dict[str, Any]]:
    """The events of companies' chats after a position, oldest first.

    Rows of EVENT_FIELDS and `company_id`. Transactions do not commit in the order of their times,
    so a caller that must not miss an event starts at `after.settled`.
    """
    later = Q(created_at__gt=after.time) | Q(created_at=after.time) & (
        Q(chat_id__gt=after.chat_id) | Q(chat_id=after.chat_id, seq__gt=after.seq)
    )
    found: list[dict[str, Any]] = []
    for company_id in company_ids:  # one query per company, in index order
        rows = Event.objects.filter(
            later,
            company_id=company_id,
            created_at__gte=after.time,  # redundant, but the index needs it
            chat__deleted_at=None,
            chat__company__deleted_at=None,
        )
        rows = rows.order_by("created_at", "chat_id", "seq")
        found += rows.values(*EVENT_FIELDS, "company_id")[:limit]
    found.sort(key=lambda row: (row["created_at"], row["chat_id"], row["seq"]))
    return found[:limit]
