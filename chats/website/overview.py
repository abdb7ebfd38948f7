"""The overview of a company's chats, as plots that need neither colour nor scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from chatapi.api.errors import ApiError
from chatapi.api.expensive import expensive_read
from chats.access import statistics
from companies.models import Company, Role
from companies.website.base import company_page, show
from companies.website.hours import WEEKDAY_LABELS

RANGES = (7, 30, 90, 365)
WIDTH, HEIGHT = 640, 180  # of a plot, in SVG units
LEFT, BOTTOM, TOP = 40, 24, 12
CELL, SIDE = 24, 64


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


@company_page(Role.MANAGER, Role.OWNER)
@require_safe
def overview(request: HttpRequest, company: Company) -> HttpResponse:
    requested = request.GET.get("days", "")
    count = int(requested) if requested in {str(each) for each in RANGES} else 30
    zone = ZoneInfo(company.opening_hours.get("timezone", "UTC"))
    now = timezone.now()
    first = now.astimezone(zone).date() - timedelta(days=count - 1)
    after = datetime.combine(first, time.min, tzinfo=zone)
    ranges = [(each, each == count) for each in RANGES]
    try:
        with expensive_read(f"user:{request.user.pk}", settings.STATISTICS_TIMEOUT, weight=2):
            found = statistics.company_statistics(company, after, now, zone)
    except ApiError as error:
        page = show(request, "chats/overview.html", company, "overview", ranges=ranges, found=None)
        page.status_code = error.status_code
        return page
    columns = grouped(found.days)
    return show(
        request,
        "chats/overview.html",
        company,
        "overview",
        ranges=ranges,
        found=found,
        zone=zone.key,
        median=duration_text(found.median_seconds),
        plots=[
            plot(_("Chats"), columns, [chats for _label, chats, _messages in columns]),
            plot(_("Messages"), columns, [messages for _label, _chats, messages in columns]),
        ],
        hours=hours_plot(found.hours),
    )


def grouped(days: Sequence[statistics.Day]) -> list[tuple[str, int, int]]:
    """(label, chats, messages) per day, or per week where daily bars would be too thin."""
    step = 1 if len(days) <= 92 else 7
    return [
        (
            day_label(days[start].date),
            sum(day.chats for day in days[start : start + step]),
            sum(day.messages for day in days[start : start + step]),
        )
        for start in range(0, len(days), step)
    ]


def day_label(day: date) -> str:
    return str(date_format(day, "MONTH_DAY_FORMAT"))


def plot(title: str, columns: Sequence[tuple[str, int, int]], values: list[int]) -> dict[str, Any]:
    """A bar chart over time, with the ticks of both axes."""
    top = ceiling(max(values, default=0))
    step = (WIDTH - LEFT) / max(len(values), 1)
    plot_height = HEIGHT - TOP - BOTTOM
    bars = [
        Bar(
            x=round(LEFT + place * step + step * 0.1, 1),
            y=round(TOP + plot_height * (1 - value / top), 1),
            width=round(step * 0.8, 1),
            height=round(plot_height * value / top, 1),
            label=columns[place][0],
            value=value,
        )
        for place, value in enumerate(values)
    ]
    label_step = max(1, -(-len(bars) // 6))
    return {
        "title": title,
        "bars": bars,
        "total": sum(values),
        "ticks": [
            (round(TOP + plot_height * (1 - part), 1), int(top * part)) for part in (0.0, 0.5, 1.0)
        ],
        "labels": [(round(bar.x + bar.width / 2, 1), bar.label) for bar in bars[::label_step]],
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
    }


def ceiling(value: int) -> int:
    """A round even number of at least `value`, for the top of an axis."""
    size = 2
    while size < value:
        for factor in (2, 2.5, 2):
            size = int(size * factor)
            if size >= value:
                return size + size % 2
    return size


def hours_plot(hours: list[list[int]]) -> dict[str, Any]:
    """A dot for each hour of the week, whose area shows the number of messages."""
    maximum = max(max(row) for row in hours) or 1
    rows = []
    for place, (name, row) in enumerate(zip(WEEKDAY_LABELS.values(), hours, strict=True)):
        y = CELL * place + CELL // 2 + 4
        dots = [
            (SIDE + CELL * hour + CELL // 2, round((value / maximum) ** 0.5 * (CELL / 2 - 1), 1))
            for hour, value in enumerate(row)
            if value
        ]
        rows.append({"name": name, "y": y, "dots": dots, "values": row})
    return {
        "rows": rows,
        "ticks": [(SIDE + CELL * hour + CELL // 2, f"{hour:02}") for hour in range(0, 24, 3)],
        "hours": [f"{hour:02}" for hour in range(24)],
        "width": SIDE + CELL * 24,
        "height": CELL * 7 + 28,
        "bottom": CELL * 7 + 22,
    }


def duration_text(seconds: float | None) -> str:
    """A duration in words; empty for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return ngettext("%(n)s second", "%(n)s seconds", round(seconds)) % {"n": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    if hours < 36:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(seconds / 86_400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
