"""Nothing is lost, doubled or swapped while processes, Redis and the database go away.

Guests of 200 chats send 5,000 numbered messages while readers stream the chats. Meanwhile web and
stream processes are killed, Redis stops for five seconds, the database cuts all connections, and
everything is restarted. Who was not answered sends again with the same Idempotency-Key; whose
stream ended comes back with the last id.
"""

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
import pytest

from chatapi.tests.installation import Installation, Redis, free_port
from chats.tests.streaming import Refused, Sender, follow

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        not shutil.which("redis-server") and not os.environ.get("REQUIRE_SERVICES"),
        reason="needs redis-server to start its own",
    ),
]

CHATS, MESSAGES = 200, 5_000
READ_TWICE = 20  # chats with a second reader, which streams from a web process
WRITERS = 40
A_SECOND = 180  # messages at most, so that the faults fall in the middle of the sending
REDIS_AWAY = 5  # seconds
SEND = 120  # seconds until all must be sent, far above what it takes
ARRIVE = 30  # seconds until the readers must have what was sent
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "STREAMS_PER_ADDRESS": "10000",
    "STREAMS_PER_TOKEN": "100",
    **{f"LIMIT_{name}": "100000/s" for name in ("READ", "WRITE", "SEND", "STREAM")},
}
# Chats with a guest each, as the actions make them; prints ids and tokens.
MAKE = f"""
import json
from accounts.actions.users import account_for
from chats.actions import chats, chat_users
from companies.actions.companies import create_company
company = create_company(account_for("owner@loss.test"), name="Loss", verify_first_join=False)
made = []
for number in range({CHATS}):
    chat = chats.create(company, password="open-sesame")
    guest = chat_users.join_as_guest(
        chat, email="gina@guest.test", first_name="Gina", last_name="Guest"
    )
    made.append([chat.pk, guest.token])
print(json.dumps(made))
"""


class Entry(NamedTuple):
    """An event of the log, as a reader must see it; `text` is a message's."""

    seq: int
    type: str
    text: str | None


class Service:
    """Web and stream processes, Redis and the database, and what can befall them."""

    def __init__(self, installation: Installation, redis: Redis) -> None:
        self.installation, self.redis = installation, redis
        self.web_port, self.stream_port = installation.port, free_port()

    def start(self) -> None:
        self.installation.start("web")
        self.installation.start_stream(self.stream_port)

    def kill_web_process(self) -> None:
        os.kill(self.installation.children("web")[0], signal.SIGKILL)

    def kill_stream_process(self) -> None:
        os.kill(self.installation.children("stream")[0], signal.SIGKILL)

    def kill_all_stream_processes(self) -> None:
        self.installation.kill("stream")
        self.installation.start_stream(self.stream_port)

    def take_redis_away(self) -> None:
        self.redis.kill()
        time.sleep(REDIS_AWAY)
        self.redis.start()

    def cut_database_connections(self) -> None:
        assert self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def restart_everything(self) -> None:
        for name in ("web", "stream"):
            self.installation.kill(name, signal.SIGTERM)
        self.start()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.installation.env["DATABASE_URL"]) as connection:
            return connection.execute(statement).fetchall()

    def log(self) -> dict[int, list[Entry]]:
        """The whole log of each chat."""
        found: dict[int, list[Entry]] = {}
        for chat_id, *event in self.query(
            "SELECT event.chat_id, event.seq, event.type, message.text FROM chats_event event"
            " LEFT JOIN chats_message message ON message.id = event.message_id"
            " ORDER BY event.chat_id, event.seq"
        ):
            found.setdefault(chat_id, []).append(Entry(*event))
        return found


# By the share of the messages that are answered when it begins.
FAULTS: list[tuple[float, Callable[[Service], None]]] = [
    (0.08, Service.kill_web_process),
    (0.20, Service.kill_stream_process),
    (0.32, Service.kill_all_stream_processes),
    (0.45, Service.take_redis_away),
    (0.70, Service.cut_database_connections),
    (0.75, Service.restart_everything),
]


def pause(tries: int) -> float:
    """How long to wait before one more, as a client should: longer each time, never the same."""
    return float(min(0.2 * 2**tries, 1.5) * random.uniform(0.5, 1))


@dataclass
class Writers:
    """Who sends, each in chats of its own, over one connection."""

    port: int
    answered: dict[int, list[str]] = field(default_factory=dict)  # texts by chat
    tries_again: Counter[str] = field(default_factory=Counter)  # by the reason

    @property
    def done(self) -> int:
        return sum(map(len, self.answered.values()))

    async def write(self, chats: list[tuple[int, str]]) -> None:
        sender = Sender("127.0.0.1", self.port)
        beat = WRITERS / A_SECOND
        await asyncio.sleep(random.uniform(0, beat))
        try:
            for number in range(MESSAGES // CHATS):
                for chat_id, token in chats:
                    began = time.monotonic()
                    await self.send(sender, chat_id, token, f"Message {number} of chat {chat_id}")
                    await asyncio.sleep(beat - (time.monotonic() - began))
        finally:
            sender.close()

    async def send(self, sender: Sender, chat_id: int, token: str, text: str) -> None:
        """Send until it is answered, with one key for all tries."""
        path, key = f"/api/chats/{chat_id}/messages", text.replace(" ", "-")
        for tries in itertools.count():
            try:
                status, body = await sender.post(path, token, {"text": text}, Idempotency_Key=key)
            except OSError as error:
                self.tries_again[type(error).__name__] += 1
            else:
                if status == 201:
                    assert body["text"] == text
                    self.answered.setdefault(chat_id, []).append(text)
                    return
                assert status >= 500, f"{text}: {status} {body}"
                self.tries_again[str(status)] += 1
            await asyncio.sleep(pause(tries))


@dataclass
class Reader:
    """Who streams one chat, and comes back with the last id after any end."""

    name: str
    url: str
    token: str
    seen: list[Entry] = field(default_factory=list)
    ends: int = 0

    async def read(self) -> None:
        tries = 0
        while True:
            before = len(self.seen)
            try:
                await self.read_once()
            except Refused as refused:
                if refused.status < 500:
                    raise
            except OSError:
                pass  # nobody there at this moment
            self.ends += 1
            tries = tries + 1 if len(self.seen) == before else 0
            await asyncio.sleep(pause(tries))

    async def read_once(self) -> None:
        async for event in follow(
            self.url, self.token, last_event_id=self.seen[-1].seq if self.seen else None
        ):
            assert event.type != "bye", f"{self.name}: {event.data}"
            if event.id is not None:
                told = event.data
                assert event.id == str(told["seq"])
                assert event.type == told["type"]
                self.seen.append(Entry(told["seq"], told["type"], told["data"].get("text")))

    def missing(self, log: list[Entry]) -> str:
        """What is wrong with what was seen, in one line; nothing when it is the log."""
        if self.seen == log:
            return ""
        seqs = [entry.seq for entry in self.seen]
        lacking = sorted({entry.seq for entry in log} - set(seqs))
        doubled = sorted(seq for seq, count in Counter(seqs).items() if count > 1)
        swapped = [seq for before, seq in itertools.pairwise(seqs) if seq < before]
        other = [seen for seen, entry in zip(self.seen, log, strict=False) if seen != entry]
        return (
            f"{self.name} saw {len(seqs)} of {len(log)} events after {self.ends} ends:"
            f" missing {lacking}, twice {doubled}, after a later one {swapped},"
            f" first that differs {other[:1]}"
        )


async def befall(service: Service, writers: Writers) -> None:
    """Let the faults happen, one after another, while messages are being sent."""
    for share, fault in FAULTS:
        while writers.done < share * MESSAGES:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(fault, service)
        assert writers.done < MESSAGES, f"all was sent before the end of {fault.__name__}"


async def arrived(service: Service, readers: list[tuple[int, Reader]]) -> None:
    """Wait until each reader has as many events as its chat's log, at most for ARRIVE seconds."""
    log = await asyncio.to_thread(service.log)
    deadline = time.monotonic() + ARRIVE
    while any(len(reader.seen) < len(log[chat_id]) for chat_id, reader in readers):
        if time.monotonic() > deadline:
            return  # what is missing is told by the comparison
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # for what comes twice


async def run(service: Service, chats: list[tuple[int, str]]) -> tuple[Writers, list[Any]]:
    def reader(chat_id: int, token: str, port: int, name: str) -> tuple[int, Reader]:
        url = f"http://127.0.0.1:{port}/api/chats/{chat_id}/events"
        return chat_id, Reader(f"the {name} reader of chat {chat_id}", url, token)

    readers = [reader(*chat, service.stream_port, "first") for chat in chats]
    readers += [reader(*chat, service.web_port, "second") for chat in chats[:READ_TWICE]]
    writers = Writers(service.web_port)
    async with asyncio.TaskGroup() as group:
        # A failure of one ends the group, and with it all.
        reading = [group.create_task(each.read()) for _, each in readers]
        sending = [group.create_task(writers.write(chats[n::WRITERS])) for n in range(WRITERS)]
        sending.append(group.create_task(befall(service, writers)))
        _, unfinished = await asyncio.wait(sending, timeout=SEND)
        assert not unfinished, f"{writers.done} messages in {SEND} s, tries {writers.tries_again}"
        await arrived(service, readers)
        for task in reading:
            task.cancel()
    return writers, readers


@pytest.fixture
def service(tmp_path):
    redis = Redis(tmp_path)
    installation = Installation(tmp_path, REDIS_URL=redis.url, **SETTINGS)
    try:
        yield Service(installation, redis)
    finally:
        installation.close()
        redis.kill()


def test_every_message_arrives_once_and_in_order_whatever_goes_away(service):
    chats = json.loads(service.installation.manage("shell", "--no-imports", "--command", MAKE))
    service.start()
    writers, readers = asyncio.run(run(service, [tuple(chat) for chat in chats]))

    log = service.log()
    for chat_id, _ in chats:
        sent = [entry.text for entry in log[chat_id] if entry.type == "message.created"]
        assert sent == writers.answered[chat_id]
        assert [entry.seq for entry in log[chat_id]] == list(range(1, len(log[chat_id]) + 1))
    assert writers.done == MESSAGES
    wrong = [told for chat_id, reader in readers if (told := reader.missing(log[chat_id]))]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(readers)} readers:", *wrong[:10]])

    # The faults were felt.
    assert writers.tries_again
    assert all(reader.ends >= 3 for _, reader in readers[:CHATS])
