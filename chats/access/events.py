"""The events of chats: of the chat's log alone, or of both logs for members."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db.models import BigIntegerField, Q, QuerySet

from chatapi.db.compiled import Compiled, Parameter
from chats.access.chats import live_chats
from chats.hints import LogPosition, Place, Position
from chats.models import Event, MemberEvent
from chats.representations import EVENT_FIELDS, MEMBER_EVENT_FIELDS

Row = Mapping[str, Any]
LIVE = Q(chat__deleted_at=None, chat__company__deleted_at=None)


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


# --- Both logs, as members read them --------------------------------------------------------------


def heads(chat_ids: Iterable[int]) -> dict[int, LogPosition]:
    """The ends of both logs of each of these chats, by id; chats that do not exist are absent."""
    rows = live_chats().filter(pk__in=chat_ids).values_list("pk", "last_seq", "last_member_seq")
    return {pk: LogPosition(seq, member_seq) for pk, seq, member_seq in rows}


def member_seq_before(chat_id: int, seq: int) -> int:
    """The newest number that the members' log had before the chat's event with this seq."""
    earlier = MemberEvent.objects.filter(chat_id=chat_id, seq__lt=seq).order_by("-member_seq")
    return earlier.values_list("member_seq", flat=True).first() or 0


def entries_after(
    chat_id: int, total: int, limit: int, head: LogPosition
) -> list[tuple[LogPosition, Row]]:
    """The entries of both logs after the first `total`, up to `head`, oldest first.

    Each with its position. The rows are of EVENT_FIELDS or of MEMBER_EVENT_FIELDS. As what is
    before `head` never changes its place, the two queries agree.
    """
    total = min(total, head.total)
    of_members: list[Row] = []
    if head.member_seq:
        later = MemberEvent.objects.filter(
            chat_id=chat_id, position__gt=total, member_seq__lte=head.member_seq
        )
        of_members = list(later.order_by("position").values(*MEMBER_EVENT_FIELDS)[:limit])
    member_seq = of_members[0]["member_seq"] - 1 if of_members else head.member_seq
    seq = max(0, total - member_seq)
    shared = (row for row in events_after(chat_id, seq, limit) if row["seq"] <= head.seq)
    found: list[tuple[LogPosition, Row]] = []
    following = next(shared, None)
    for entry in [*of_members, None]:
        while following is not None and (entry is None or following["seq"] <= entry["seq"]):
            found.append((LogPosition(following["seq"], member_seq), following))
            following = next(shared, None)
        if entry is not None:
            member_seq = entry["member_seq"]
            found.append((LogPosition(entry["seq"], member_seq), entry))
    return found[:limit]


# --- Many chats -----------------------------------------------------------------------------------


def events_at(places: Iterable[Place]) -> list[Row]:
    """The events at each of these places, except of deleted chats, as rows of both kinds."""
    shared, of_members = [], []
    for place in places:
        if place.member_seq:
            of_members.append((place.chat_id, place.member_seq))
        else:
            shared.append((place.chat_id, place.seq))
    found: list[Row] = []
    if shared:
        found += Event.objects.filter(LIVE, pk__in=shared).values(*EVENT_FIELDS)
    if of_members:
        found += MemberEvent.objects.filter(LIVE, pk__in=of_members).values(*MEMBER_EVENT_FIELDS)
    return found


def company_events(company_ids: Iterable[int], after: Position, limit: int) -> list[Row]:
    """The events in both logs of companies' chats after a position, oldest first.

    Rows of both kinds, with `company_id`. Transactions do not commit in the order of their times,
    so a caller that must not miss an event starts at `after.settled`.
    """
    later_seq = later(after, Q(seq__gt=after.seq))
    later_member_seq = later(after, Q(member_seq__gt=after.member_seq))
    found: list[Row] = []
    for company_id in company_ids:  # two queries per company, in index order
        of_company = Q(company_id=company_id) & LIVE
        shared = Event.objects.filter(of_company, later_seq)
        shared = shared.order_by("created_at", "chat_id", "seq")
        found += shared.values(*EVENT_FIELDS, "company_id")[:limit]
        of_members = MemberEvent.objects.filter(of_company, later_member_seq)
        of_members = of_members.order_by("created_at", "chat_id", "member_seq")
        found += of_members.values(*MEMBER_EVENT_FIELDS, "company_id")[:limit]
    found.sort(key=order)
    return found[:limit]


def later(after: Position, in_chat: Q) -> Q:
    """Match the events after a position. `in_chat` compares numbers within the position's chat."""
    same_time = Q(chat_id__gt=after.chat_id) | Q(chat_id=after.chat_id) & in_chat
    return (Q(created_at__gt=after.time) | Q(created_at=after.time) & same_time) & Q(
        created_at__gte=after.time
    )  # redundant, but the index needs it


def order(row: Row) -> tuple[Any, ...]:
    return row["created_at"], row["chat_id"], row["seq"], row.get("member_seq", 0)
