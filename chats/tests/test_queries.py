"""How many statements each hot route costs, whatever the length of the page."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chats.actions import messages
from conftest import make_guest

TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


@contextmanager
def statements(number):
    """Exactly so many statements, BEGIN and COMMIT and their like not counted."""
    with CaptureQueriesContext(connection) as captured:
        yield
    told = [q["sql"] for q in captured if not q["sql"].startswith(TRANSACTION)]
    assert len(told) == number, "\n\n".join(told)


@pytest.fixture
def busy_chat(chat, gina, agent_bob, bob):
    for number in range(30):
        messages.send((gina, agent_bob)[number % 2].chat_user, f"{number}")
    bob.api.get("/api/user")  # notes the first use of the token
    return chat


def test_sending_a_message(busy_chat, gina):
    # token with chat user, chat and company; the chat's next seq; message; event; read position:
    # the last four in one on PostgreSQL
    with statements(2 if connection.vendor == "postgresql" else 5):
        answer = gina.api.post(f"/api/chats/{busy_chat.pk}/messages", {"text": "Hello"})
    assert answer.status_code == 201


def test_sending_with_a_key(busy_chat, gina):
    # the same: the unique key in the database is what tells a second one
    with statements(2 if connection.vendor == "postgresql" else 5):
        gina.api.post(
            f"/api/chats/{busy_chat.pk}/messages",
            {"text": "Hello"},
            headers={"Idempotency-Key": "k"},
        )


@pytest.mark.parametrize(
    "query", ["", "per_page=3", "per_page=249", "before_seq=20", "around_seq=9"]
)
def test_listing_messages(busy_chat, gina, bob, query):
    path = f"/api/chats/{busy_chat.pk}/messages?{query}"
    for caller in (gina, bob):
        # token, with the role in the chat; messages with their authors
        with statements(2):
            assert caller.api.get(path).status_code == 200


@pytest.mark.parametrize("per_page", [1, 15, 249])
def test_listing_chats(acme, bob, per_page):
    from chats.actions import chats

    for number in range(20):
        chat = chats.create(acme, name=f"Chat {number}")
        if number % 2:
            messages.send(make_guest(chat, f"Guest{number}").chat_user, "Hello")
    bob.api.get("/api/user")
    # token; chats with their counts; their newest messages
    with statements(3):
        answer = bob.api.get(f"/api/chats?per_page={per_page}")
    assert len(answer.json()["data"]) == min(per_page, 20)


def test_catching_up(busy_chat, gina, bob):
    # token; events with their messages; for members, the ends of both logs
    for caller, number in ((gina, 2), (bob, 3)):
        with statements(number):
            caller.api.get(f"/api/chats/{busy_chat.pk}/events?limit=500")


def test_the_current_chat_user(busy_chat, gina):
    with statements(1):
        gina.api.get("/api/chat-user")


def test_a_token_whose_checksum_does_not_fit_costs_no_query(busy_chat, gina, bob, db):
    from conftest import Client

    for token in (gina.token, bob.token):
        mistyped = token[:-1] + ("a" if token[-1] != "a" else "b")
        with statements(0):
            assert Client(mistyped).get("/api/chats").status_code == 401


def test_a_token_of_another_chat_costs_its_own_look_up_alone(busy_chat, hugo):
    with statements(1):
        assert hugo.api.get(f"/api/chats/{busy_chat.pk}/messages").status_code == 403


@pytest.mark.parametrize("path", ["/api/companies", "/api/companies/acme/users", "/api/user"])
def test_lists_of_companies(mary, bob, path):
    bob.api.get("/api/user")
    with statements(3 if path.endswith("users") else 2):
        bob.api.get(path)


def test_listing_chat_users(busy_chat, gina, bob):
    for caller in (gina, bob):
        with statements(2):
            caller.api.get(f"/api/chats/{busy_chat.pk}/users")
