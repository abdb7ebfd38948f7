"""Opening hours: `{"timezone": "Europe/Berlin", "monday": [["09:00", "17:00"]], …}`.

An empty object means always open. A weekday without ranges is closed.
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
MAX_RANGES = 10  # per day


@cache
def timezones() -> tuple[str, ...]:
    """Return the sorted names of the IANA time zones."""
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


def is_open(company: Company, now: datetime) -> bool:
    """Return whether a company is open at `now`, an aware time."""
    hours: dict[str, Any] = company.opening_hours
    if not hours:
        return True
    try:
        zone = ZoneInfo(hours["timezone"])
    except (ZoneInfoNotFoundError, KeyError, ValueError, OSError):
        return True  # the zone has been removed: better open than closed forever
    local = now.astimezone(zone)
    time = f"{local:%H:%M}"
    return any(start <= time < end for start, end in hours.get(WEEKDAYS[local.weekday()], ()))


def range_error(given: Any) -> str:
    """Return what is wrong with a range like `["09:00", "17:00"]`, or an empty string."""
    if not (isinstance(given, list) and len(given) == 2 and all(isinstance(t, str) for t in given)):
        return _("Each time range needs a start and an end, like [“09:00”, “17:00”].")
    if not all(TIME.fullmatch(time) for time in given):
        return _("Enter times as HH:MM, from 00:00 to 24:00.")
    if given[0] < given[1]:
        return ""
    return _(
        "A time range must end after it starts. Split ranges at midnight: 22:00 to 24:00, then "
        "00:00 to 02:00 on the next day."
    )


def day_error(ranges: Any) -> str:
    """Return what is wrong with the ranges of a day, or an empty string."""
    if not isinstance(ranges, list):
        return _("Send a list of time ranges for each day.")
    if len(ranges) > MAX_RANGES:
        return _("A day can have at most %(most)s time ranges.") % {"most": MAX_RANGES}
    for each in ranges:
        if error := range_error(each):
            return error
    in_order = sorted(ranges)
    if any(end > start for (_, end), (start, _) in pairwise(in_order)):
        return _("Time ranges must not overlap.")
    return ""


def find_errors(hours: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong, by key."""
    if not hours:
        return {}
    found = {}
    if hours.get("timezone") not in timezones():
        found["timezone"] = _("Enter a time zone like Europe/Berlin.")
    for key, value in hours.items():
        if key in WEEKDAYS:
            if error := day_error(value):
                found[key] = error
        elif key != "timezone":
            found[key] = "Allowed keys are timezone and the weekdays, monday to sunday."
    return found


def normalize(hours: dict[str, Any]) -> dict[str, Any]:
    """Return valid hours as they are stored: days in order, closed days left out."""
    if not hours:
        return {}
    days = {day: sorted(hours[day]) for day in WEEKDAYS if hours.get(day)}
    return {"timezone": hours["timezone"], **days}
