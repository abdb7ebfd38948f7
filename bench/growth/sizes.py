"""Times of calls against sizes, on one database."""

import http.client
import json
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import psycopg

from bench import data
from bench.growth import seed
from bench.live.services import LiveEnvironment, gunicorn
from bench.rounds import say
from bench.stop import BrokenError

WARM_UP = 50  # calls of each kind
LEAST = 10
MOST_SECONDS = 20  # for one size, where there are fewer calls then
SENT_INTO = {
    seed.FIRST_SHORT: "a chat of 500 messages",
    seed.LONG: "a chat of half of all messages",
    seed.CROWD: "",
}

# The same at all sizes: what it takes more at one of them is the machine's mood.
STEADY = ("GET /healthz", "")

Calls = dict[tuple[str, str], Callable[[], object]]  # by kind and place


class Point(NamedTuple):
    """What calls of one `kind` took at one size, in milliseconds; `series` is of what size."""

    series: str
    kind: str
    where: str
    size: int
    p50: float
    p99: float


def measure(environment: LiveEnvironment, options: dict[str, int]) -> list[Point]:
    """All series on the environment's database, which is empty.

    `options` are the calls of each kind, and for each series the greatest power of ten.
    """
    db = connect(environment.settings()["DATABASE_URL"])
    agent, elsewhere, company = seed.make_first(db)
    most = 10 ** options["messages"]
    found: list[Point] = []
    with gunicorn(environment, "sizes") as server:
        web = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        measuring = Measuring(db, web, dict(data.make_tokens(SENT_INTO)), options["calls"])
        for size in powers("messages", 2, options):
            seed.grow_messages(db, elsewhere, size)
            found += measuring.sends("messages", size, [seed.FIRST_SHORT, seed.LONG], size)
        for size in powers("users", 0, options):
            seed.grow_users(db, size)
            found += measuring.sends("users", size, [seed.CROWD], most)
        for size in powers("chats", 1, options):
            seed.grow_listed(db, company, size)
            found += measuring.lists(size, agent)
        server.check()
    return found


def powers(series: str, least: int, options: dict[str, int]) -> list[int]:
    say(f"  {series} ...")
    return [10**power for power in range(least, options[series] + 1)]


def connect(url: str) -> seed.Database:
    """A connection beside the application's own, in autocommit mode."""
    if url.startswith("sqlite:"):
        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=20)
    return psycopg.connect(url, autocommit=True)


@dataclass(frozen=True)
class Measuring:
    """The database, a keep-alive connection to its one web process, and guests' tokens by chat."""

    db: seed.Database
    web: http.client.HTTPConnection
    tokens: dict[int, str]
    calls: int

    def sends(self, series: str, size: int, chats: list[int], rows: int) -> list[Point]:
        """Sends into `chats`, of a table of so many `rows`.

        They are taken back so often that it is a tenth longer at most.
        """
        from chats.actions import messages
        from chats.models import ChatUser

        body = json.dumps({"text": data.TEXT})
        calls: Calls = {}
        for chat in chats:
            author = ChatUser.objects.select_related("chat").get(pk=data.GUESTS + chat)
            path = f"/api/chats/{chat}/messages"
            calls["action", SENT_INTO[chat]] = partial(messages.send, author, data.TEXT)
            calls["POST", SENT_INTO[chat]] = partial(
                self.request, "POST", path, self.tokens[chat], body
            )
        before = {chat: seed.last_seq(self.db, chat) for chat in chats}
        restore = partial(seed.take_back, self.db, before)
        return self.timed(series, size, calls, restore, max(1, rows // 10 // len(calls)))

    def lists(self, size: int, token: str) -> list[Point]:
        """The first page of the listed chats, of their agent."""
        from accounts.models import User
        from chats.access import chats as chat_access

        user = User.objects.get(email="agent@bench.test")
        get = partial(self.request, "GET", "/api/chats", token)
        if len(get()["data"]) != min(size, 15):
            raise BrokenError(f"Of {size} chats another number was listed than a page has.")
        query = partial(chat_access.first_page, user, "desc", 16)
        calls: Calls = {
            ("query", ""): query,
            ("GET", ""): get,
        }
        return self.timed("chats", size, calls, lambda: None, self.calls)

    def timed(
        self,
        series: str,
        size: int,
        calls: Calls,
        restore: Callable[[], None],
        often: int,
    ) -> list[Point]:
        """Each of `calls` in turn, so that a noisy moment meets all; `restore` every so `often`."""
        self.web.close()  # it may have idled too long, and connects again by itself
        calls = {**calls, STEADY: partial(self.request, "GET", "/healthz")}
        times: dict[tuple[str, str], list[float]] = {name: [] for name in calls}
        deadline = time.monotonic() + MOST_SECONDS
        for turn in range(WARM_UP + self.calls):
            if time.monotonic() > deadline and turn >= LEAST:
                break
            for name, call in calls.items():
                started = time.perf_counter()
                call()
                times[name].append(1000 * (time.perf_counter() - started))
            if turn % often == 0:
                restore()
        restore()
        return [
            Point(series, kind, where, size, statistics.median(warm), p99(warm))
            for (kind, where), each in times.items()
            for warm in [each[min(WARM_UP, len(each) // 5) :]]
        ]

    def request(self, method: str, path: str, token: str = "", body: str | None = None) -> Any:
        """One request over the connection; returns its answer."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.web.request(method, path, body, headers)
        response = self.web.getresponse()
        answer = response.read()
        if response.status not in {200, 201}:
            raise BrokenError(f"{method} {path} answered {response.status}: {answer[:500]!r}")
        return json.loads(answer)


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]
