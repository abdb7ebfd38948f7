"""What the hot routes cost the interpreter, in calls: a figure that no noise of the machine moves.

A change that makes one of them a tenth dearer has to say so here.
"""

import sys

import pytest
from django.db import connection

from chats.actions import messages

pytestmark = pytest.mark.django_db

# Calls of functions, Python's and C's, the test's client among them, by database: with PostgreSQL
# limits are counted in Redis.
CALLS = {
    # Replies, reactions, files and the terms of searches made it a tenth dearer.
    "send": {"sqlite": 3503, "postgresql": 2321},
    "list": {"sqlite": 1980, "postgresql": 1716},
    "chat user": {"sqlite": 1551, "postgresql": 1515},
}
SPARE = 1.1


def calls_of(request):
    """How many calls a request takes, once all that is made once has been made."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        if event in {"call", "c_call"}:
            count += 1

    for _ in range(4):
        request()
    counts = []
    for _ in range(3):
        count = 0
        sys.setprofile(note)
        try:
            request()
        finally:
            sys.setprofile(None)
        counts.append(count)
    return min(counts)


@pytest.fixture
def requests(chat, gina):
    for number in range(20):
        messages.send(gina.chat_user, f"{number}")
    path, api = f"/api/chats/{chat.pk}/messages", gina.api
    return {
        "send": lambda: api.post(path, {"text": "Hello"}),
        "list": lambda: api.get(path),
        "chat user": lambda: api.get("/api/chat-user"),
    }


@pytest.mark.parametrize("name", CALLS)
def test_a_hot_route_costs_no_more_than_it_did(requests, name):
    counted, known = calls_of(requests[name]), CALLS[name][connection.vendor]
    assert counted <= known * SPARE, f"{name}: {counted} calls, {known} are known"
    assert counted * SPARE >= known, f"{name}: only {counted} calls now; write that down"
