"""The listeners and the senders of event streams, each in a process of their own."""

import asyncio
import gc
import json
import random
import re
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from time import monotonic, monotonic_ns, sleep
from typing import Any, NamedTuple

import httptools
import numpy as np
import uvloop

from bench.load import MESSAGES, ask
from bench.people import GUESTS, TEXT
from bench.services import helper
from chats.actions import messages
from chats.models import ChatUser

HOST = "127.0.0.1"
AT_ONCE = 100  # streams that are being opened
OPEN_SECONDS = 90  # for all of them
QUIET_SECONDS = 2  # without an event, after which nothing more is expected
CONNECTIONS, THREADS = 8, 4  # of senders, over HTTP or by the action
ANSWER_SECONDS = 10
EVENT = re.compile(rb"id: (\d+)\nevent: \S+\ndata: [^\n]*\n\n")
Send = Callable[[int, str, str], int]  # chat, token, text to seq
Wanted = tuple[int, str, int]  # a stream's chat, its token and the last seq it has seen
Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Deliveries:
    """What came in since the last `take`. Of each event: its stream, seq and time."""

    streams: Array
    seqs: Array
    times: Array
    opened: Array  # by stream: when its last connection was answered
    missing: int
    doubled: int  # or out of order
    counts: Counter[str]  # of connections that were cut off or refused


class Stream(asyncio.Protocol):
    """One listener, through all its connections."""

    def __init__(self, pool: "Pool", index: int, chat: int, token: str, last: int) -> None:
        self.pool, self.index, self.chat, self.token, self.last = pool, index, chat, token, last
        self.answered: asyncio.Future[int]  # the status

    def connection_made(self, transport: Any) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.rest = b""  # of an event that is not complete
        transport.write(
            f"GET /api/chats/{self.chat}/events HTTP/1.1\r\nHost: {HOST}\r\n"
            f"Accept: text/event-stream\r\nAuthorization: Bearer {self.token}\r\n"
            f"Last-Event-ID: {self.last}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.pool.opened[self.index] = monotonic_ns()
        self.answered.set_result(self.parser.get_status_code())

    def on_body(self, data: bytes) -> None:
        now, pool = monotonic_ns(), self.pool
        text, complete, self.rest = (self.rest + data).rpartition(b"\n\n")
        for number in EVENT.findall(text + complete):
            seq = int(number)
            pool.missing += max(seq - self.last - 1, 0)
            pool.doubled += seq <= self.last
            self.last = max(seq, self.last)
            pool.streams_of.append(self.index)
            pool.seqs.append(seq)
            pool.times.append(now)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionResetError())
        elif self.answered.result() == 200:
            self.pool.counts["cut off"] += 1
            self.task = asyncio.get_running_loop().create_task(self.pool.come_back(self))


class Pool:
    """All streams to one port. A stream that is cut off comes back within `spread` seconds."""

    def __init__(self, port: int, wanted: list[Wanted], spread: float) -> None:
        self.port, self.spread, self.away = port, spread, 0
        self.streams = [Stream(self, index, *each) for index, each in enumerate(wanted)]
        self.opened = array("q", bytes(8 * len(wanted)))
        self.empty()

    def empty(self) -> None:
        self.streams_of, self.seqs, self.times = array("q"), array("q"), array("q")
        self.missing = self.doubled = 0
        self.counts: Counter[str] = Counter()

    async def open(self) -> None:
        waiting = iter(self.streams)

        async def some() -> None:
            for stream in waiting:
                await self.connect(stream)

        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    async def connect(self, stream: Stream) -> None:
        """Try until it is answered with 200."""
        loop = asyncio.get_running_loop()
        while True:
            stream.answered, status = loop.create_future(), 0
            with suppress(OSError):
                transport, _ = await loop.create_connection(lambda: stream, HOST, self.port)
                status = await stream.answered
                if status == 200:
                    return
                transport.abort()
            self.counts[f"answered {status}" if status else "refused"] += 1
            await asyncio.sleep(random.uniform(0.2, 0.6))

    async def come_back(self, stream: Stream) -> None:
        self.away += 1
        await asyncio.sleep(random.uniform(0, self.spread))
        await self.connect(stream)
        self.away -= 1

    def behind(self, heads: dict[int, int]) -> int:
        """How many events of the logs have not come in."""
        return sum(max(heads.get(each.chat, 0) - each.last, 0) for each in self.streams)

    async def take(self, heads: dict[int, int], seconds: float) -> Deliveries:
        """Wait until all have all, or nothing more comes in. What is missing then is lost."""
        loop = asyncio.get_running_loop()
        end, seen, last = loop.time() + seconds, 0, loop.time()
        while (missing := self.behind(heads)) and loop.time() < end:
            if len(self.seqs) != seen or self.away:
                seen, last = len(self.seqs), loop.time()
            elif loop.time() - last > QUIET_SECONDS:
                break
            await asyncio.sleep(0.1)
        taken = Deliveries(
            *(np.array(each) for each in (self.streams_of, self.seqs, self.times, self.opened)),
            *(self.missing + missing, self.doubled, self.counts),
        )
        for stream in self.streams:
            stream.last = max(stream.last, heads.get(stream.chat, 0))
        self.empty()
        return taken


# Of the listeners' process: its loop runs in a thread, beside the one that takes commands.
loop = uvloop.new_event_loop()
pools: list[Pool] = []


def start() -> None:
    gc.disable()  # a collection would be measured
    threading.Thread(target=loop.run_forever, daemon=True).start()


def command(name: str, *values: Any) -> Any:
    """Make a new pool and open it, or call a method of the one that is open."""
    if name == "open":
        pools[:] = [Pool(*values)]
        values = ()
    return asyncio.run_coroutine_threadsafe(getattr(pools[0], name)(*values), loop).result()


class Receivers:
    """The listeners of one scenario, as the benchmark sees them."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.chats: Array = np.array([], int)  # by stream

    def open(self, port: int, wanted: list[Wanted], spread: float = 0.5) -> None:
        self.chats = np.array([chat for chat, _, _ in wanted])
        self.executor.submit(command, "open", port, wanted, spread).result()

    def take(self, heads: dict[int, int] | None = None, seconds: float = 0) -> Deliveries:
        return self.executor.submit(command, "take", heads or {}, seconds).result()


@contextmanager
def receivers() -> Iterator[Receivers]:
    with helper() as executor:
        executor.submit(start).result()
        yield Receivers(executor)


class Order(NamedTuple):
    """`rate` messages a second for `seconds`, to each of `guests` (chat, token) in turn.

    By the application's own action instead of HTTP if there is no port.
    """

    port: int | None
    guests: list[tuple[int, str]]
    rate: float
    seconds: float


@dataclass
class Sent:
    """What was answered: of each message its chat, its seq and the time of the answer."""

    start: int
    chats: Array
    seqs: Array
    answered: Array
    failed: Counter[str]

    def heads(self, known: dict[int, int]) -> dict[int, int]:
        """By chat: the seq of its newest event, noted in `known`."""
        for chat, seq in zip(self.chats.tolist(), self.seqs.tolist(), strict=True):
            known[chat] = max(known.get(chat, 0), seq)
        return known


def send_all(order: Order) -> Sent:
    """Send each message at its time, or later if all senders wait for an answer."""
    sent, failed = list[tuple[int, int, int]](), list[str]()
    numbers, total = count(), order.rate * order.seconds
    senders = [by_http(order.port) for _ in range(CONNECTIONS)] if order.port else by_action(order)
    begun, start = monotonic_ns(), monotonic()

    def work(send: Send) -> None:
        while (number := next(numbers)) < total:
            sleep(max(start + number / order.rate - monotonic(), 0))
            if monotonic() > start + order.seconds:
                return
            chat, token = order.guests[number % len(order.guests)]
            try:
                sent.append((chat, send(chat, token, f"{TEXT} {number}"), monotonic_ns()))
            except Exception as error:
                failed.append(f"failed: {error!r}")

    with ThreadPoolExecutor(len(senders)) as threads:
        list(threads.map(work, senders))
    chats, seqs, answered = np.array(sent, np.int64).reshape(-1, 3).T
    return Sent(begun, chats, seqs, answered, Counter(failed))


def by_http(port: int) -> Send:
    """A connection that is kept, for one request after the other."""
    http = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)

    def send(chat: int, token: str, text: str) -> int:
        body = json.dumps({"text": text})
        return int(ask(http, "POST", MESSAGES.format(chat=chat), token, body)["seq"])

    return send


def by_action(order: Order) -> list[Send]:
    """`chats.actions.messages.send`: no HTTP, all else as in a web process."""
    authors = ChatUser.objects.in_bulk([GUESTS + chat for chat, _ in order.guests])
    return [lambda chat, _, text: messages.send(authors[GUESTS + chat], text)[0]["seq"]] * THREADS
