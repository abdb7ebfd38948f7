"""Searches of many messages: `python -m bench search`. PostgreSQL, over HTTP, one at a time.

Words are as frequent as in a language (Zipf's law), and some messages are Chinese, written without
spaces. Each call searches for other words.
"""

import argparse
import http.client
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.db import connection
from django.utils import timezone

from accounts.actions.tokens import issue_token
from accounts.models import User
from bench import people
from bench.growth import send_request
from bench.process import say
from bench.report import Goal, Report, judged, number, table
from bench.services import database, gunicorn
from chatapi.text.search import terms
from chats.models import Message
from companies.actions.companies import create_company

GOAL = Goal(50)
PER_CHAT = 10
WARM_UP = 20
VOCABULARY = 50_000
CHARACTERS = 2_500  # of Chinese
CHINESE = 10  # one in so many messages
WORDS = (3, 25)  # in a message
# Of all chats. The rest is the agent's of another company, between whose messages these are.
COMPANIES = {"a company with 40 % of the chats": 0.4, "one with 1 %": 0.01, "one with 0.1 %": 0.001}
LONG = 0.05  # of all messages, in one chat
SYLLABLES = [f"{a}{b}" for a in "bdfghklmnprstvwz" for b in ("a", "e", "i", "o", "u", "en", "er")]

Draw = Callable[[], str]


def run(chosen: argparse.Namespace, report: Report) -> None:
    with database():
        random = np.random.default_rng(1)
        say("Loading ...")
        started = time.monotonic()
        words, characters = vocabulary(random), [chr(0x4E00 + n) for n in range(CHARACTERS)]
        tokens = load(chosen.messages, words, characters, random)
        loaded = time.monotonic() - started
        size = people.one("SELECT pg_relation_size('chats_message_terms')") / 2**20
        table_size = people.one("SELECT pg_table_size('chats_message')") / 2**20
        queries = draws(words, characters, random)
        say("Searching ...")
        with gunicorn(WEB_CONCURRENCY="1") as server:
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            rows, everything = [], list[float]()
            for where, token in tokens.items():
                for what, draw in queries.items():
                    times, found = measure(partial(send_request, client), token, draw, chosen.calls)
                    everything += times
                    rows.append(row(where, what, times, found))
            rows.append(row("all", "", everything, None))
            server.check()
    report.parts.append(
        f"{chosen.messages:,} messages, loaded in {loaded:.0f} s; the table has"
        f" {table_size:,.0f} MiB, the index {size:,.0f} MiB."
    )
    head = ["In", "for", "hits on the first page", "p50 ms", f"p95 ms ({GOAL})", "p99 ms"]
    report.parts.append(table(head, rows))


def row(where: str, what: str, times: list[float], found: float | None) -> list[str]:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    figures = [number(p50, 1), judged(float(p95), 1, GOAL), number(p99, 1)]
    return [where, what, number(found, 1), *figures]


def measure(
    request: Callable[..., Any], token: str, draw: Draw, count: int
) -> tuple[list[float], float]:
    """Milliseconds of each call, and the mean number of hits."""
    times, found = [], 0
    for _ in range(WARM_UP + count):
        path = f"/api/search?{urlencode({'q': draw()})}"
        started = time.perf_counter()
        answer = request("GET", path, token)
        times.append(1000 * (time.perf_counter() - started))
        found += len(answer["data"])
    return times[WARM_UP:], found / len(times)


# --- Words ----------------------------------------------------------------------------------------


def vocabulary(random: Any) -> list[str]:
    """Different words, the most frequent first. Frequent ones are short."""
    found = dict[str, None]()
    while len(found) < VOCABULARY:
        length = 1 + int(random.poisson(min(len(found) / 2_000, 1.5)))
        found["".join(random.choice(SYLLABLES, length))] = None
    return list(found)


def zipf(size: int) -> Any:
    weights = 1 / np.arange(1, size + 1)
    return np.cumsum(weights / weights.sum())


def texts(count: int, words: list[str], characters: list[str], random: Any) -> Iterator[str]:
    by_word, by_character = zipf(len(words)), zipf(len(characters))
    lengths = random.integers(*WORDS, count)
    drawn = np.searchsorted(by_word, random.random(lengths.sum()))
    chinese = np.searchsorted(by_character, random.random(lengths.sum()))
    place = 0
    for nth, length in enumerate(lengths):
        part = slice(place, place + length)
        place += length
        if nth % CHINESE:
            yield " ".join(words[each] for each in drawn[part]) + "."
        else:
            yield "".join(characters[each] for each in chinese[part]) + "。"


def draws(words: list[str], characters: list[str], random: Any) -> dict[str, Draw]:
    """The queries of each kind. Each call draws different words."""

    def among(first: int, last: int) -> str:
        return words[random.integers(first, last)]

    def some_characters(count: int) -> str:
        found = np.searchsorted(zipf(len(characters)), random.random(count))
        return "".join(characters[each] for each in found)

    return {
        "a rare word": lambda: among(5_000, VOCABULARY),
        "an ordinary word": lambda: among(100, 5_000),
        "one of the 100 commonest": lambda: among(0, 100),
        "two ordinary words": lambda: f"{among(100, 2_000)} {among(100, 2_000)}",
        "a common and a rare one": lambda: f"{among(0, 100)} {among(5_000, VOCABULARY)}",
        "the first two letters": lambda: among(0, VOCABULARY)[:2],
        "the first four letters": lambda: among(0, VOCABULARY)[:4],
        "what nobody wrote": lambda: f"q{among(0, VOCABULARY)}",
        "two Chinese characters": lambda: some_characters(2),
        "four Chinese characters": lambda: some_characters(4),
    }


# --- Data -----------------------------------------------------------------------------------------


def load(count: int, words: list[str], characters: list[str], random: Any) -> dict[str, str]:
    """Fill the empty database. Returns a token for each scope, by its name."""
    first, chats = people.make_first(), count // PER_CHAT
    owner, place, companies, tokens = {}, people.FIRST_CHAT, [], {}
    for nth, (name, share) in enumerate(COMPANIES.items()):
        user = User.objects.create(email=f"owner{nth}@bench.test")
        company = create_company(user, name=f"Searched {nth}")
        companies.append((company.pk, round(chats * share)))
        tokens[name] = issue_token(user)[1]
    companies.append((first.elsewhere, chats - sum(size for _, size in companies)))
    for company_id, size in companies:
        ids = range(place, place + size)
        people.add_chats(ids, company_id)
        owner.update(dict.fromkeys(ids, company_id))
        place += size
    known = np.array(list(owner))
    authors = random.choice(known, count)
    long_chat = int(known[0])
    authors[random.random(count) < LONG] = long_chat
    tokens["a chat with 5 % of the messages"] = people.make_tokens([long_chat])[0][1]
    tokens["a chat of ten messages"] = people.make_tokens([int(known[-1])])[0][1]
    execute_index("DROP")
    copy_messages(authors, owner, texts(count, words, characters, random))
    execute_index("CREATE")
    people.settle()
    return tokens


def copy_messages(chat_ids: Any, owner: dict[int, int], lines: Iterator[str]) -> None:
    """Messages in the order of their ids and times, each with its terms."""
    seqs = dict[int, int]()
    now, count = timezone.now(), len(chat_ids)
    columns = "chat_id, seq, author_id, text, assurance, created_at, terms"
    people.execute("SET session_replication_role = replica")
    people.execute("SET statement_timeout = 0")
    connection.ensure_connection()
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY {Message._meta.db_table} ({columns}) FROM STDIN") as copy,
    ):
        for nth, (chat_id, text) in enumerate(zip(chat_ids.tolist(), lines, strict=True)):
            seqs[chat_id] = seq = seqs.get(chat_id, 0) + 1
            found = " ".join((*terms(text), f"@{owner[chat_id]}"))
            moment = now - timedelta(seconds=30 * (count - nth))
            row = (chat_id, seq, people.GUESTS + chat_id, text, "claimed", moment, found)
            copy.write_row(row)
    people.execute("RESET session_replication_role")


def execute_index(what: str) -> None:
    """Drop the index of terms, and create it as it was: to fill it row by row takes far longer."""
    name = "chats_message_terms"
    if what == "DROP":
        definition = people.one(f"SELECT indexdef FROM pg_indexes WHERE indexname = '{name}'")
        execute_index.definition = definition  # type: ignore[attr-defined]
        people.execute(f"DROP INDEX {name}")
    else:
        people.execute("SET maintenance_work_mem = '256MB'")
        people.execute(execute_index.definition)  # type: ignore[attr-defined]
