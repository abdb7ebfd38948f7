"""When a company answers."""

from datetime import UTC, datetime

import pytest

from companies.hours import is_open
from companies.models import Company

BERLIN = {
    "timezone": "Europe/Berlin",
    "monday": [["09:00", "12:00"], ["13:00", "17:00"]],
    "saturday": [["00:00", "24:00"]],
}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23 08:00", True),  # a Monday, 09:00 there
        ("2026-11-23 07:59", False), ("2026-11-23 11:00", False), ("2026-11-23 12:00", True),
        ("2026-11-23 15:59", True), ("2026-11-23 16:00", False),
        ("2026-07-06 07:00", True), ("2026-07-06 06:59", False),  # in summer two hours ahead
        ("2026-11-24 10:00", False),
        ("2026-11-27 23:00", True), ("2026-11-28 22:59", True), ("2026-11-28 23:00", False),
    ],
)  # fmt: skip
def test_by_the_clock_there(now, expected):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert is_open(Company(opening_hours=BERLIN), at) is expected


def test_always_open_unless_said_otherwise():
    now = datetime.now(UTC)
    assert is_open(Company(), now)
    assert is_open(Company(opening_hours={"timezone": "Mars/Olympus", "monday": []}), now)
    assert not is_open(Company(opening_hours={"timezone": "Europe/Berlin"}), now)
