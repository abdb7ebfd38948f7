"""The suite's surroundings and its cast.

alice owns Acme, mary manages it, bob is its agent, charlie is an outsider with a company of his
own; gina is a guest of Acme's chat, hugo a guest of another chat of Acme.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient

from accounts.actions.tokens import issue_token
from accounts.actions.users import account_for
from accounts.models import User
from chatapi.bus.connection import client
from chatapi.limits.limiter import limiter
from chatapi.tests.installation import CHROMIUM
from chats.actions import auth_codes, chat_users
from chats.actions import chats as chat_actions
from chats.models import AuthCode, Chat, ChatUser
from companies.actions.companies import create_company
from companies.actions.members import add_member
from companies.models import Company, Role

pytest_plugins = [
    "chatapi.tests.browser",
    "chats.tests.buckets",
    "chats.tests.live",
    "chats.tests.websites",
]


class Client(APIClient):
    """DRF's test client with a bearer token; what it sends is JSON unless told otherwise."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__()
        self.token = token
        if token:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")


@dataclass
class Guest:
    """A chat user with a token, and the client that sends it."""

    chat_user: ChatUser
    token: str

    @property
    def api(self) -> Client:
        return Client(self.token)


@dataclass
class Person:
    """An account with a personal access token, and the client that sends it."""

    user: User
    token: str

    @property
    def api(self) -> Client:
        return Client(self.token)


@pytest.fixture(autouse=True)
def fresh_limits(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test inherits what another one used up."""
    yield
    if settings.REDIS_URL:
        redis = client()
        for key in redis.scan_iter(f"{settings.REDIS_PREFIX}*", count=1000):
            redis.delete(key)
    limiter().local.clear()
    limiter()._down_until = 0.0  # a test that took Redis away is over


@pytest.fixture
def on_postgres() -> bool:
    return connection.vendor == "postgresql"


# Their tests drive processes of their own.
SLOW_FIXTURES = {"installation", "live", "served", "server", "service", "site"}


def pytest_itemcollected(item: pytest.Item) -> None:
    opens_pages = item.get_closest_marker("browser") is not None
    if opens_pages or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.slow)
    if item.get_closest_marker("slow") and not opens_pages:
        # One process for the tests of a module, which share an installation.
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    on_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    needs_postgres = pytest.mark.skip(reason="needs PostgreSQL (TEST_DATABASE_URL)")
    needs_chromium = pytest.mark.skip(reason="needs Chromium")
    for item in items:
        opens_pages = item.get_closest_marker("browser") is not None
        if not on_postgres and (opens_pages or item.get_closest_marker("postgres")):
            item.add_marker(needs_postgres)
        elif opens_pages and CHROMIUM is None:
            item.add_marker(needs_chromium)
    # Playwright leaves an event loop in its thread, where Django then refuses the database: last.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def make_person(email: str, first_name: str) -> Person:
    user = account_for(email)
    user.first_name, user.last_name = first_name, "Test"
    user.save()
    return Person(user, issue_token(user)[1])


@pytest.fixture
def alice(db: None) -> Person:
    return make_person("alice@acme.test", "Alice")


@pytest.fixture
def acme(alice: Person) -> Company:
    return create_company(alice.user, name="Acme")


@pytest.fixture
def mary(acme: Company) -> Person:
    add_member(acme, "mary@acme.test", Role.MANAGER)
    return make_person("mary@acme.test", "Mary")


@pytest.fixture
def bob(acme: Company) -> Person:
    add_member(acme, "bob@acme.test", Role.AGENT)
    return make_person("bob@acme.test", "Bob")


@pytest.fixture
def charlie(db: None) -> Person:
    charlie = make_person("charlie@outside.test", "Charlie")
    create_company(charlie.user, name="Outside")
    return charlie


PASSWORD = "open-sesame"


@pytest.fixture
def chat(acme: Company) -> Chat:
    return chat_actions.create(acme, name="Help for Gina", password=PASSWORD)


@pytest.fixture
def other_chat(acme: Company) -> Chat:
    return chat_actions.create(acme, name="Help for Hugo", password=PASSWORD)


def make_guest(chat: Chat, first_name: str) -> Guest:
    """A guest who joined by the password and proved the address by its code."""
    email = f"{first_name.lower()}@guest.test"
    chat_users.join_as_guest(chat, email=email, first_name=first_name, last_name="Guest")
    code = AuthCode.objects.filter(chat=chat, chat_user__email=email).latest("pk")
    _, token, chat_user = auth_codes.exchange(chat.pk, email, auth_codes.digits(code))
    return Guest(chat_user, token)


@pytest.fixture
def gina(chat: Chat) -> Guest:
    return make_guest(chat, "Gina")


@pytest.fixture
def hugo(other_chat: Chat) -> Guest:
    return make_guest(other_chat, "Hugo")


@pytest.fixture
def agent_bob(chat: Chat, bob: Person) -> Guest:
    """Bob as he takes part in Gina's chat, with his chat-user token."""
    joined = chat_users.join_as_agent(chat.pk, bob.user)
    assert joined.token is not None
    return Guest(joined.chat_user, joined.token)


@pytest.fixture
def anonymous() -> Client:
    return Client()


@pytest.fixture
def newest_code() -> Callable[[str], str]:
    """The six digits last made for an address."""

    def digits(email: str) -> str:
        return auth_codes.digits(AuthCode.objects.filter(chat_user__email=email).latest("pk"))

    return digits


@pytest.fixture
def error_of() -> Callable[[Any], str]:
    """The code of an answer that must be an error body; checks its shape."""

    def code(response: Any) -> str:
        body = response.json()
        assert set(body) - {"errors"} == {"message", "code", "request_id"}, body
        assert body["request_id"] == response["X-Request-ID"]
        assert ("errors" not in body) or response.status_code == 422
        return str(body["code"])

    return code
