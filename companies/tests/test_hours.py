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
        ("2026-11-23 07:59", False),
        ("2026-11-23 11:00", False),
        ("2026-11-23 12:00", True),
        ("2026-11-23 15:59", True),
        ("2026-11-23 16:00", False),
        ("2026-07-06 07:00", True),
        ("2026-07-06 06:59", False),  # in summer two hours ahead
        ("2026-11-24 10:00", False),
        ("2026-11-27 23:00", True),
        ("2026-11-28 22:59", True),
        ("2026-11-28 23:00", False),
    ],
)
def test_by_the_clock_there(now, expected):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert is_open(Company(opening_hours=BERLIN), at) is expected


def test_always_open_unless_said_otherwise():
    now = datetime.now(UTC)
    assert is_open(Company(), now)
    assert is_open(Company(opening_hours={"timezone": "Mars/Olympus", "monday": []}), now)
    assert not is_open(Company(opening_hours={"timezone": "Europe/Berlin"}), now)


@pytest.mark.parametrize("late", [["22:00", "02:00"], ["20:00", "00:00"], ["09:00", "09:00"]])
def test_a_range_past_midnight_is_refused_and_told_how(acme, alice, late):
    path = f"/api/companies/{acme.pk}"
    hours = {"timezone": "Europe/Berlin", "friday": [late]}
    answer = alice.api.patch(path, {"opening_hours": hours})
    assert answer.status_code == 422
    (sentence,) = answer.json()["errors"]["opening_hours.friday"]
    assert "22:00 to 24:00, then 00:00 to 02:00" in sentence
    told = {"friday": [["22:00", "24:00"]], "saturday": [["00:00", "02:00"]]}
    hours = {"timezone": "Europe/Berlin", **told}
    assert alice.api.patch(path, {"opening_hours": hours}).status_code == 200
