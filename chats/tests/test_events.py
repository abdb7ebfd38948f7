"""GET /api/chats/{id}/events, as catch-up; the waiting is tested in test_longpoll."""

import re

import pytest
from django.conf import settings
from django.db import transaction

from chats.actions import chat_users, messages
from chats.actions import chats as chat_actions
from chats.actions import events as event_actions
from chats.models import Event, EventType


def events(caller, chat, query=""):
    answer = caller.api.get(f"/api/chats/{chat.pk}/events{query}")
    assert answer.status_code == 200
    return answer.json()


def test_all_that_happened_in_order_and_without_gap(chat, gina, agent_bob, bob, mary):
    first, _ = messages.send(gina.chat_user, "Helo")
    messages.edit(gina.chat_user, first["id"], "Hello")
    messages.delete(chat.pk, first["id"], None)
    chat_users.rename(gina.chat_user, {"first_name": "Georgina"})
    chat_actions.update(chat.pk, {"name": "New", "status": "closed"})
    chat_actions.update(chat.pk, {"status": "open"})
    chat_users.remove(gina.chat_user)
    chat_users.leave(agent_bob.chat_user)
    body = events(bob, chat)
    assert [event["type"] for event in body["data"]] == [
        "chat.created",
        "user.joined",
        "user.updated",
        "user.joined",
        "message.created",
        "message.updated",
        "message.deleted",
        "user.updated",
        "chat.updated",
        "chat.closed",
        "chat.reopened",
        "user.removed",
        "user.left",
    ]
    assert [event["seq"] for event in body["data"]] == list(range(1, 14))
    assert body["last_seq"] == 13
    assert {event["chat_id"] for event in body["data"]} == {chat.pk}


def test_from_a_seq_and_in_portions(chat, gina):
    for number in range(5):
        messages.send(gina.chat_user, f"{number}")
    body = events(gina, chat, "?after=3&limit=2")
    assert [event["seq"] for event in body["data"]] == [4, 5]
    assert body["last_seq"] == 8
    assert events(gina, chat, "?after=8") == {"data": [], "last_seq": 8}
    assert events(gina, chat, "?after=99")["data"] == []


def test_an_event_has_the_shape_of_the_contract(chat, gina):
    message, _ = messages.send(gina.chat_user, "Hello")
    (event,) = events(gina, chat, "?after=3")["data"]
    assert set(event) == {"seq", "type", "chat_id", "created_at", "data"}
    assert event["data"] == message
    assert event["seq"] == message["seq"]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=501", "wait=31", "wait=-1", "wait=x"]
)
def test_a_wrong_parameter_is_said(chat, gina, query):
    answer = gina.api.get(f"/api/chats/{chat.pk}/events?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"]


class Boom(Exception):
    """Something goes wrong after the number was taken."""


def fail_after_a_turn(chat):
    with transaction.atomic():
        event_actions.append(chat.pk, EventType.CHAT_UPDATED, {})
        raise Boom


@pytest.mark.django_db(transaction=True)
def test_a_change_that_fails_takes_no_number(chat, gina):
    with pytest.raises(Boom):
        fail_after_a_turn(chat)
    message, _ = messages.send(gina.chat_user, "Hello")
    seqs = Event.objects.filter(chat=chat).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, message["seq"] + 1))


@pytest.mark.parametrize("page", ["api-introduction.md", "live.md"])
def test_the_documentation_lists_all_types(page):
    text = (settings.BASE_DIR / "docs" / page).read_text()
    subjects = {kind.partition(".")[0] for kind in EventType.values}
    listed = re.findall(rf"`((?:{'|'.join(subjects)})\.[a-z]+)`", text)
    assert set(listed) == set(EventType.values)
