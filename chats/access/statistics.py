"""What an owner wants to know of the company's chats, counted by the database.

Days and hours are those of a time zone. The cost grows with what happened in the time that is asked
for, not with all that is kept: messages are found by the log's index of company and time, chats by
that of company and id, and of a chat only its beginning is read.
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

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Day:
    """Of one day: the chats that were opened, the messages that were sent."""

    date: date
    chats: int
    messages: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """`hours` has a row a weekday, Monday first, of 24 numbers: guests' messages in that hour.

    `median_seconds` is from a chat's first guest message to the first answer of an agent; None when
    there was none. `answered` and `unanswered` count the chats that a guest wrote in.
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


def of_company(company: Company, after: datetime, before: datetime, zone: ZoneInfo) -> Statistics:
    """From `after` until before `before`. Deleted chats are left out, deleted messages counted."""
    chats = Chat.objects.filter(
        company=company, deleted_at=None, created_at__gte=after, created_at__lt=before
    )
    sent = Event.objects.filter(
        company_id=company.pk, type=EventType.MESSAGE_CREATED, chat__deleted_at=None,
        created_at__gte=after, created_at__lt=before,
    )  # fmt: skip
    chats_a_day, messages_a_day = by_day(chats, zone), by_day(sent, zone)
    waits = list(first_answers(chats))
    answered = [wait for wait in waits if wait is not None]
    return Statistics(
        after=after,
        before=before,
        timezone=zone.key,
        days=[
            Day(day, chats_a_day.get(day, 0), messages_a_day.get(day, 0))
            for day in days(after, before, zone)
        ],
        hours=busy_hours(sent, zone),
        median_seconds=median(answered) if answered else None,
        answered=len(answered),
        unanswered=len(waits) - len(answered),
        open_chats=Chat.objects.filter(
            company=company, deleted_at=None, status=Chat.Status.OPEN
        ).count(),
    )


def by_day(rows: QuerySet[Any], zone: ZoneInfo) -> dict[date, int]:
    counted = (
        rows.order_by()
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(n=Count("*"))
    )
    return {row["day"]: row["n"] for row in counted}


def days(after: datetime, before: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Each day of which some is asked for."""
    day = after.astimezone(zone).date()
    last = (before - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def busy_hours(sent: QuerySet[Event], zone: ZoneInfo) -> list[list[int]]:
    counted = (
        sent.filter(message__author__role=ChatUser.Role.GUEST)
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


def first_answers(chats: QuerySet[Chat]) -> Iterator[float | None]:
    """For each chat that a guest wrote in: seconds until an agent answered; None without one."""
    asked = Message.objects.filter(chat=OuterRef("pk"), author__role=ChatUser.Role.GUEST)
    first = chats.order_by().values_list(Subquery(asked.order_by("seq").values("pk")[:1]))
    answer = Message.objects.filter(
        chat=OuterRef("chat"), author__role=ChatUser.Role.AGENT, seq__gt=OuterRef("seq")
    ).order_by("seq")
    rows = Message.objects.filter(pk__in=first).annotate(
        answered_at=Subquery(answer.values("created_at")[:1])
    )
    for asked_at, answered_at in rows.values_list("created_at", "answered_at"):
        yield (answered_at - asked_at).total_seconds() if answered_at else None
