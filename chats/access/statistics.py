"""Statistics of a company's chats, counted by the database.

Days and hours are those of a time zone. The cost grows with the number of events in the requested
period, not with all stored data: an index finds messages by company and time, another one chats by
company and id, and only the beginning of each chat is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, TruncDate

from chats.models import Chat, ChatUser, Event, EventType, Message
from companies.models import Company

MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class Day:
    """The chats created and the messages sent on one day."""

    date: date
    chats: int
    messages: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of a period.

    `hours` has one row per weekday, Monday first, with the guests' messages in each of 24 hours.
    `median_seconds` is the time from a chat's first guest message to the first answer of an agent;
    None when there was none. `answered` and `unanswered` count the chats in which a guest wrote.
    """

    after: datetime
    before: datetime
    timezone: str
    days: list[Day]
    hours: list[list[int]]
    median_seconds: float | None
    answered: int
    unanswered: int
    open_chats: int


def company_statistics(
    company: Company, after: datetime, before: datetime, zone: ZoneInfo
) -> Statistics:
    """The statistics from `after` to before `before`, without deleted chats but with deleted
    messages."""
    chats = Chat.objects.filter(
        company=company, deleted_at=None, created_at__gte=after, created_at__lt=before
    )
    messages = Event.objects.filter(
        company_id=company.pk,
        type=EventType.MESSAGE_CREATED,
        chat__deleted_at=None,
        created_at__gte=after,
        created_at__lt=before,
    )
    chats_by_day, messages_by_day = count_by_day(chats, zone), count_by_day(messages, zone)
    waits = list(answer_times(chats))
    answered = [wait for wait in waits if wait is not None]
    return Statistics(
        after=after,
        before=before,
        timezone=zone.key,
        days=[
            Day(day, chats_by_day.get(day, 0), messages_by_day.get(day, 0))
            for day in days_between(after, before, zone)
        ],
        hours=count_by_hour(messages, zone),
        median_seconds=median(answered) if answered else None,
        answered=len(answered),
        unanswered=len(waits) - len(answered),
        open_chats=Chat.objects.filter(
            company=company, deleted_at=None, status=Chat.Status.OPEN
        ).count(),
    )


def count_by_day(rows: QuerySet[Any], zone: ZoneInfo) -> dict[date, int]:
    counted = (
        rows.order_by()
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(n=Count("*"))
    )
    return {row["day"]: row["n"] for row in counted}


def days_between(after: datetime, before: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Each day of the period, including partial ones."""
    day = after.astimezone(zone).date()
    last = (before - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def count_by_hour(messages: QuerySet[Event], zone: ZoneInfo) -> list[list[int]]:
    counted = (
        messages.filter(message__author__role=ChatUser.Role.GUEST)
        .order_by()
        .annotate(
            weekday=ExtractIsoWeekDay("created_at", tzinfo=zone),
            hour=ExtractHour("created_at", tzinfo=zone),
        )
        .values("weekday", "hour")
        .annotate(n=Count("*"))
    )
    hours = [[0] * 24 for _ in range(7)]
    for row in counted:
        hours[row["weekday"] - 1][row["hour"]] = row["n"]
    return hours


def answer_times(chats: QuerySet[Chat]) -> Iterator[float | None]:
    """For each chat in which a guest wrote, the seconds until an agent answered, or None."""
    guest_messages = Message.objects.filter(chat=OuterRef("pk"), author__role=ChatUser.Role.GUEST)
    first = chats.order_by().values_list(Subquery(guest_messages.order_by("seq").values("pk")[:1]))
    answer = Message.objects.filter(
        chat=OuterRef("chat"), author__role=ChatUser.Role.AGENT, seq__gt=OuterRef("seq")
    ).order_by("seq")
    rows = Message.objects.filter(pk__in=first).annotate(
        answered_at=Subquery(answer.values("created_at")[:1])
    )
    for asked_at, answered_at in rows.values_list("created_at", "answered_at"):
        yield (answered_at - asked_at).total_seconds() if answered_at else None
