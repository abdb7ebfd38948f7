"""When a company answers: `{"timezone": "Europe/Berlin", "monday": [["09:00", "17:00"]], …}`.

Without anything, always. A weekday that is not named is closed.
"""

import re
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.utils.translation import gettext as _

from companies.models import Company

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
MOST_RANGES = 10  # a day


@cache
def timezones() -> tuple[str, ...]:
    """The names of the IANA time zones, sorted."""
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


def is_open(company: Company, now: datetime) -> bool:
    """Whether a company answers at `now`, which carries a time zone."""
    hours: dict[str, Any] = company.opening_hours
    if not hours:
        return True
    try:
        zone = ZoneInfo(hours["timezone"])
    except (ZoneInfoNotFoundError, KeyError, ValueError, OSError):
        return True  # a zone that is no more: rather too open than closed for good
    there = now.astimezone(zone)
    time = f"{there:%H:%M}"
    return any(start <= time < end for start, end in hours.get(WEEKDAYS[there.weekday()], ()))


def wrong_range(given: Any) -> str:
    """What is wrong with one `["09:00", "17:00"]`; empty when nothing is."""
    if not (isinstance(given, list) and len(given) == 2 and all(isinstance(t, str) for t in given)):
        return _("Each range is a start and an end, like [“09:00”, “17:00”].")
    if not all(TIME.fullmatch(time) for time in given):
        return _("Times are HH:MM, from 00:00 to 24:00.")
    if given[0] < given[1]:
        return ""
    return _(
        "A range ends after it starts. Past midnight, the rest is the next day's:"
        " 22:00 to 24:00, then 00:00 to 02:00."
    )


def wrong_day(ranges: Any) -> str:
    """What is wrong with the ranges of one day, which come sorted if they are right."""
    if not isinstance(ranges, list):
        return _("A day has a list of ranges.")
    if len(ranges) > MOST_RANGES:
        return _("A day has at most %(most)s ranges.") % {"most": MOST_RANGES}
    for each in ranges:
        if wrong := wrong_range(each):
            return wrong
    in_order = sorted(ranges)
    if any(end > start for (_, end), (start, _) in pairwise(in_order)):
        return _("Ranges of a day do not overlap.")
    return ""


def mistakes(hours: dict[str, Any]) -> dict[str, str]:
    """What is wrong, by the key it stands under."""
    if not hours:
        return {}
    found = {}
    if hours.get("timezone") not in timezones():
        found["timezone"] = _("This is no time zone like Europe/Berlin.")
    for key, value in hours.items():
        if key in WEEKDAYS:
            if wrong := wrong_day(value):
                found[key] = wrong
        elif key != "timezone":
            found[key] = "Keys are timezone and the weekdays, monday to sunday."
    return found


def tidy(hours: dict[str, Any]) -> dict[str, Any]:
    """Hours without mistakes, as they are stored: days in order, those that are closed left out."""
    if not hours:
        return {}
    days = {day: sorted(hours[day]) for day in WEEKDAYS if hours.get(day)}
    return {"timezone": hours["timezone"], **days}
