"""GET /api/companies/{id}/statistics"""

from datetime import UTC, datetime, timedelta

import pytest

from chats.actions import chat_users, chats, messages
from chats.models import Chat, Event, Message
from conftest import make_guest

PATH = "/api/companies/acme/statistics"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = {"after": "2026-03-02", "before": "2026-03-09"}


@pytest.fixture
def say(acme):
    """Has somebody say something at a time."""

    def at(moment, chat_user):
        sent, _ = messages.send(chat_user, "Hello")
        Message.objects.filter(pk=sent["id"]).update(created_at=moment)
        Event.objects.filter(chat=chat_user.chat_id, seq=sent["seq"]).update(created_at=moment)

    return at


@pytest.fixture
def begun(acme):
    """Makes a chat that was opened at a time."""

    def at(moment):
        chat = chats.create(acme, name="")
        Chat.objects.filter(pk=chat.pk).update(created_at=moment)
        return chat

    return at


def test_what_was_counted(alice, bob, say, begun):
    waits = (60, 120, 600)
    for day, wait in enumerate(waits):
        opened = MONDAY + timedelta(days=day, hours=9)
        chat = begun(opened)
        guest = make_guest(chat, f"Guest{day}").chat_user
        agent = chat_users.join_as_agent(chat.pk, bob.user).chat_user
        say(opened - timedelta(minutes=1), agent)  # a greeting is no answer
        say(opened, guest)
        say(opened + timedelta(seconds=wait), agent)
        say(opened + timedelta(seconds=wait + 1), agent)
    unanswered = begun(MONDAY + timedelta(days=3))
    say(MONDAY + timedelta(days=3, hours=14), make_guest(unanswered, "Nora").chat_user)
    begun(MONDAY + timedelta(days=3))  # nobody said anything

    body = alice.api.get(PATH, WEEK).json()
    assert body["first_answer"] == {"median_seconds": 120, "answered": 3, "unanswered": 1}
    assert body["open_chats"] == 5
    assert [(day["date"], day["chats"], day["messages"]) for day in body["days"]] == [
        ("2026-03-02", 1, 4),
        ("2026-03-03", 1, 4),
        ("2026-03-04", 1, 4),
        ("2026-03-05", 2, 1),
        ("2026-03-06", 0, 0),
        ("2026-03-07", 0, 0),
        ("2026-03-08", 0, 0),
    ]
    busy = {
        (day, hour): n for day, row in enumerate(body["hours"]) for hour, n in enumerate(row) if n
    }
    assert busy == {(0, 9): 1, (1, 9): 1, (2, 9): 1, (3, 14): 1}
    assert body["timezone"] == "UTC"


def test_days_and_hours_are_those_of_the_time_zone(alice, gina, say, chat):
    Chat.objects.filter(pk=chat.pk).update(created_at=MONDAY + timedelta(hours=23, minutes=30))
    say(MONDAY + timedelta(hours=23, minutes=30), gina.chat_user)
    body = alice.api.get(PATH, {**WEEK, "timezone": "Europe/Berlin"}).json()
    assert body["days"][0] == {"date": "2026-03-02", "chats": 0, "messages": 0}
    assert body["days"][1] == {"date": "2026-03-03", "chats": 1, "messages": 1}
    assert body["hours"][1][0] == 1


def test_without_anything_it_is_the_last_thirty_days(mary, gina, chat):
    messages.send(gina.chat_user, "Hello")
    body = mary.api.get(PATH).json()
    assert len(body["days"]) in {30, 31}
    assert body["days"][-1]["chats"] == 1
    assert sum(map(sum, body["hours"])) == 1
    assert body["first_answer"]["unanswered"] == 1


def test_deleted_chats_are_left_out(alice, gina, chat):
    messages.send(gina.chat_user, "Hello")
    chats.delete(chat)
    body = alice.api.get(PATH).json()
    assert (body["open_chats"], sum(day["messages"] for day in body["days"])) == (0, 0)


def test_another_companys_chats_are_not_counted(charlie, gina):
    messages.send(gina.chat_user, "Hello")
    body = charlie.api.get("/api/companies/outside/statistics").json()
    assert (body["open_chats"], sum(day["messages"] for day in body["days"])) == (0, 0)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"after": "soon"}, "after"),
        ({"after": "2026-03-09", "before": "2026-03-02"}, "after"),
        ({"after": "2020-01-01", "before": "2026-01-01"}, "after"),
        ({"after": "0001-01-01", "before": "0001-01-02", "timezone": "America/New_York"}, "after"),
        ({"before": "9999-12-31T23:59:59Z", "timezone": "Asia/Tokyo"}, "before"),
    ],
)
def test_what_is_wrong_is_said(alice, acme, asked, field):
    answer = alice.api.get(PATH, asked)
    assert answer.status_code == 422, answer.json()
    assert field in answer.json()["errors"]
