"""Cost against size: sends, lists, memory and starts; with plots: `make bench-growth`."""

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from accounts.models import User
from bench import people, services
from bench.load import ask, operations, wrk
from bench.report import Report, number, plot, table
from bench.services import BrokenError, Server, database, gunicorn, helper, say
from chats.access import chats as chat_access
from chats.actions import messages
from chats.models import ChatUser

STARTS = 5  # of each kind
CONNECTIONS = 16  # of the requests while memory is watched
MAX_ROUND_SECONDS = 60
WARM_UP = 50  # calls of each kind
PLOTS = {
    "messages": ("A send into a long chat, median ms", "messages in the table, half of them there"),
    "users": ("A send, median ms", "users of the chat"),
    "chats": ("A member's first page of 15 chats, median ms", "chats of the company"),
}
SENT_INTO = {
    people.SHORT[0]: ", a chat of 500 messages",
    people.LONG[0]: ", a chat of half of all messages",
    people.CROWD[0]: "",
}
# It costs the same at all sizes: if it takes longer at one of them, the machine was slower.
STEADY = "GET /healthz"

Kib = dict[str, tuple[int, int]]  # RSS and PSS by process
Times = dict[str, dict[int, tuple[float, float]]]  # by kind of call and size: p50 and p99 in ms
Calls = dict[str, Callable[[], object]]


def run(chosen: argparse.Namespace, report: Report) -> None:
    if "sizes" in chosen.only:
        url = f"sqlite:///{tempfile.mkdtemp()}/growth.sqlite3"
        say("Measuring SQLite ...")
        with helper(DATABASE_URL=url) as apart:
            sqlite = apart.submit(sizes, url, chosen, chosen.most - 1).result()
        say("Measuring PostgreSQL ...")
        with database():
            postgresql = sizes(services.database_url(services.DATABASE), chosen, chosen.most)
        found = {"PostgreSQL": postgresql, "SQLite": sqlite}
        for series in PLOTS:
            show_sizes(series, found, report, chosen.plots)
    if "memory" in chosen.only:
        say("Measuring memory ...")
        with database():
            show_memory(memory(chosen.requests), report, chosen.plots)
    if "start" in chosen.only:
        say("Starting ...")
        with database():
            rows = [[what, number(seconds, 2)] for what, seconds in starts().items()]
        report.parts.append(table(["Until it answers", "s"], rows))


def sizes(url: str, chosen: argparse.Namespace, most: int) -> dict[str, Times]:
    """Times of calls, by series. `most` is the power of ten of messages."""
    first = people.make_empty()
    tokens = dict(people.make_tokens(SENT_INTO))
    found: dict[str, Times] = {series: {} for series in PLOTS}
    with gunicorn(DATABASE_URL=url, WEB_CONCURRENCY="1") as server:
        connection = server.http()
        request = partial(ask, connection)

        def sends(series: str, size: int, chats: list[int], rows: int) -> None:
            """They are undone often enough that the table of `rows` grows by a tenth at most."""
            body, calls = json.dumps({"text": people.TEXT}), Calls()
            for chat in chats:
                author = ChatUser.objects.select_related("chat").get(pk=people.GUESTS + chat)
                path, where = f"/api/chats/{chat}/messages", SENT_INTO[chat]
                calls[f"action{where}"] = partial(messages.send, author, people.TEXT)
                calls[f"POST{where}"] = partial(request, "POST", path, tokens[chat], body)
            restore = partial(people.take_back, {chat: people.last_seq(chat) for chat in chats})
            often = max(1, rows // 10 // len(calls))
            measure(series, size, calls, restore, often)

        def measure(
            series: str, size: int, calls: Calls, restore: Callable[[], None], often: int = 1
        ) -> None:
            connection.close()  # it may have idled too long, and connects again by itself
            calls[STEADY] = partial(request, "GET", "/healthz")
            for kind, times in timed(calls, restore, often, chosen.calls).items():
                found[series].setdefault(kind, {})[size] = times

        say("  messages ...")
        for size in powers(2, most):
            people.grow_messages(size, first.elsewhere)
            sends("messages", size, [people.SHORT[0], people.LONG[0]], size)
        say("  users ...")
        for size in powers(0, chosen.most - 3):
            people.grow_users(size)
            sends("users", size, [people.CROWD[0]], 10**most)
        say("  chats ...")
        user = User.objects.get(email="agent@bench.test")
        query = partial(chat_access.first_page, user, "desc", 16)
        get = partial(request, "GET", "/api/chats", first.agent)
        for size in powers(1, chosen.most - 2):
            people.grow_listed(size, first.company)
            if len(get()["data"]) != min(size, 15):
                raise BrokenError(f"Of {size} chats, not as many were listed as a page has.")
            measure("chats", size, {"query": query, "GET": get}, lambda: None)
        server.check()
    return found


def powers(least: int, most: int) -> list[int]:
    return [10**power for power in range(least, most + 1)]


def timed(
    calls: Calls, restore: Callable[[], None], often: int, count: int
) -> dict[str, tuple[float, float]]:
    """Each of `calls` in turn, so that a noisy moment affects all; `restore` every `often`."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(WARM_UP + count):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - started))
        if turn % often == 0:
            restore()
    restore()
    return {
        name: tuple(np.percentile(each[WARM_UP:], [50, 99]).tolist())
        for name, each in times.items()
    }


def show_sizes(
    series: str, found: dict[str, dict[str, Times]], report: Report, folder: Path
) -> None:
    title, what = PLOTS[series]
    times = {(side, kind): at for side in found for kind, at in found[side][series].items()}
    lines = {
        f"{kind.partition(',')[0]}, {side}": [(size, p50) for size, (p50, _) in at.items()]
        for (side, kind), at in times.items()
        # With both chats the plot would have eight lines, two of them always on each other.
        if kind != STEADY and not kind.endswith(SENT_INTO[people.SHORT[0]])
    }
    every = sorted({size for at in times.values() for size in at})
    cell = "{0:.2f}, {1:.1f}".format
    rows = [
        [f"{side}, {kind}", *(cell(*at[size]) if size in at else "" for size in every)]
        for (side, kind), at in times.items()
    ]
    report.parts.append(plot(folder / f"growth-{series}.svg", title, what, lines))
    report.parts.append(table([f"p50, p99 ms by {what}", *(f"{size:,}" for size in every)], rows))


def memory(requests: int) -> list[tuple[int, Kib]]:
    """A sample at the start, and one at each tenth of the requests of the mix."""
    mix, samples, done = operations(people.make(100, 500))["mix"], [], 0
    with (
        Server(services.procfile("worker"), ready="") as worker,
        Server(services.procfile("beat"), ready="") as beat,
        gunicorn(WEB_CONCURRENCY="2") as server,
    ):
        master, *workers = server.tree()
        processes = {"gunicorn": master, "celery worker": worker.process}
        processes |= {"celery beat": beat.process}
        processes |= {f"web {nth}": each for nth, each in enumerate(workers, 1)}
        mix.verify(server)
        # Everything is imported and connected before the first sample.
        rate = wrk(mix, server, 2, CONNECTIONS).rate
        for tenth in range(11):
            while (left := requests * tenth // 10 - done) > 0:
                seconds = min(max(1, round(left / rate)), MAX_ROUND_SECONDS)
                played = wrk(mix, server, seconds, CONNECTIONS)
                if played.failed or not played.requests:
                    raise BrokenError(f"{played.failed} of {played.requests} requests failed.")
                done, rate = done + played.requests, played.rate
            say(f"  {done:,} requests ...")
            # For PSS, a shared page is divided by those that share it.
            found = {name: each.memory_full_info() for name, each in processes.items()}
            kib = {name: (each.rss // 1024, each.pss // 1024) for name, each in found.items()}
            samples.append((done, kib))
    return samples


def show_memory(samples: list[tuple[int, Kib]], report: Report, folder: Path) -> None:
    names = list(samples[0][1])
    lines = {name: [(done, kib[name][1] / 1024) for done, kib in samples] for name in names}
    rows = [
        [f"{done:,}", *(f"{rss:,}, {pss:,}" for rss, pss in kib.values())] for done, kib in samples
    ]
    path, title = folder / "growth-memory.svg", "Memory (PSS), MiB"
    report.parts.append(plot(path, title, "requests answered", lines, log=False))
    report.parts.append(table(["RSS, PSS in KiB after requests", *names], rows))


def starts() -> dict[str, float]:
    """Medians in seconds until the service answers."""
    folder = tempfile.mkdtemp()
    first, *later = (make_run(folder) for _ in range(STARTS + 1))
    servers, workers = zip(*(web_process() for _ in range(STARTS)), strict=True)
    return {
        "`make run`, the first: it makes the database": first,
        "`make run`, later": statistics.median(later),
        "gunicorn with one worker": statistics.median(servers),
        "a worker in the place of one that was killed": statistics.median(workers),
    }


def make_run(folder: str) -> float:
    """`make run` on its defaults, SQLite and no Redis; its packages are installed."""
    embedded = {"DATA_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/chatapi.sqlite3"}
    embedded |= {"REDIS_URL": "", "CELERY_BROKER_URL": "filesystem://localhost"}
    started = time.monotonic()
    with Server(["make", "run", f"PYTHON={sys.executable}"], **embedded):
        return time.monotonic() - started


def web_process() -> tuple[float, float]:
    """gunicorn with one worker, and another one after a kill: the request waits in the socket."""
    started = time.monotonic()
    with gunicorn(WEB_CONCURRENCY="1") as server:
        first = time.monotonic() - started
        for process in server.tree()[1:]:
            process.send_signal(signal.SIGKILL)
        started = time.monotonic()
        ask(server.http(), "GET", "/healthz")
        return first, time.monotonic() - started
