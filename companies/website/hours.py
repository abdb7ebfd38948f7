"""Opening hours as people write them, one line per day: `9-12:30, 13:30-17`."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WEEKDAY_LABELS = {
    "monday": gettext_lazy("Monday"),
    "tuesday": gettext_lazy("Tuesday"),
    "wednesday": gettext_lazy("Wednesday"),
    "thursday": gettext_lazy("Thursday"),
    "friday": gettext_lazy("Friday"),
    "saturday": gettext_lazy("Saturday"),
    "sunday": gettext_lazy("Sunday"),
}

RANGE = re.compile(
    r"\s*(\d{1,2})(?::(\d{2}))?\s*[-\u2013\u2014]\s*(\d{1,2})(?::(\d{2}))?\s*", re.ASCII
)


def parse_ranges(text: str) -> list[list[str]]:
    """Parse the ranges of one day into the API's format. Raises ValidationError."""
    ranges = []
    for part in text.replace(";", ",").split(","):
        if not part.strip():
            continue
        match = RANGE.fullmatch(part)
        if match is None:
            raise ValidationError(_("Enter hours like 9:00-12:30, 13:30-17:00."))
        from_hour, from_minute, to_hour, to_minute = (int(group or 0) for group in match.groups())
        ranges.append([f"{from_hour:02}:{from_minute:02}", f"{to_hour:02}:{to_minute:02}"])
    return ranges


def format_ranges(ranges: Any) -> str:
    return ", ".join(f"{start}-{end}" for start, end in ranges or ())
