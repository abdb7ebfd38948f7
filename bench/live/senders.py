"""Those who send: over HTTP, or by the application's own action, in a process of their own."""

import asyncio
import re
import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from time import monotonic_ns
from typing import Any

import uvloop

from bench.data import GUESTS, TEXT
from bench.live.child import Child, Main

HOST = "127.0.0.1"
CONNECTIONS = 8
THREADS = 4
ANSWER_SECONDS = 10
SEQ = re.compile(rb'"seq":\s?(\d+)')
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Sent:
    """What was answered: a message's chat, seq, when it was asked for and when answered."""

    chats: "array[int]" = field(default_factory=lambda: array("q"))
    seqs: "array[int]" = field(default_factory=lambda: array("q"))
    began: "array[int]" = field(default_factory=lambda: array("q"))
    answered: "array[int]" = field(default_factory=lambda: array("q"))
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, chat: int, seq: int, began: int, answered: int) -> None:
        self.chats.append(chat)
        self.seqs.append(seq)
        self.began.append(began)
        self.answered.append(answered)


@dataclass(frozen=True)
class Order:
    """`rate` messages a second for `seconds`, to each of `guests` (chat, token) in turn."""

    port: int
    guests: list[tuple[int, str]]
    rate: float
    seconds: float


class Caller(asyncio.Protocol):
    """A connection that is kept, for one request after the other."""

    def __init__(self) -> None:
        self.data = b""
        self.answer: asyncio.Future[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        self.data = b""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        length = LENGTH.search(self.data, 0, end) if end >= 0 else None
        if length and len(self.data) >= end + 4 + int(length[1]):
            self.answer.set_result(self.data)

    def connection_lost(self, error: Exception | None) -> None:
        if hasattr(self, "answer") and not self.answer.done():
            self.answer.set_exception(ConnectionResetError())


async def send_all(order: Order) -> Sent:
    """At their times; later when all connections wait for an answer."""
    loop, sent = asyncio.get_running_loop(), Sent()
    free: asyncio.Queue[Caller] = asyncio.Queue()

    async def call() -> None:
        _, caller = await loop.create_connection(Caller, HOST, order.port)
        free.put_nowait(caller)

    async def send(caller: Caller, number: int) -> None:
        chat, token = order.guests[number % len(order.guests)]
        body = f'{{"text":"{TEXT} {number}"}}'
        request = (
            f"POST /api/chats/{chat}/messages HTTP/1.1\r\nHost: {HOST}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        began = monotonic_ns()
        try:
            answer = await asyncio.wait_for(caller.ask(request), ANSWER_SECONDS)
        except (OSError, TimeoutError):
            sent.failed["not answered"] += 1
            caller.transport.abort()
            await call()
            return
        now = monotonic_ns()
        free.put_nowait(caller)
        seq = SEQ.search(answer)
        if answer.startswith(b"HTTP/1.1 201") and seq:
            sent.add(chat, int(seq[1]), began, now)
        else:
            sent.failed[f"answered {answer[9:12].decode()}"] += 1

    for _ in range(CONNECTIONS):
        await call()
    start, tasks = loop.time(), []
    for number in range(round(order.rate * order.seconds)):
        await asyncio.sleep(max(start + number / order.rate - loop.time(), 0))
        caller = await free.get()
        if loop.time() > start + order.seconds:
            break
        tasks.append(loop.create_task(send(caller, number)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().transport.abort()
    return sent


def by_http(pipe: Connection) -> None:
    serve(pipe, lambda order: uvloop.run(send_all(order)))


def by_action(pipe: Connection) -> None:
    """By `chats.actions.messages.send`, in threads: no HTTP, all else as in a web process."""
    import django

    django.setup()

    from django.db import connection

    from chats.actions import messages
    from chats.models import ChatUser

    def run(order: Order) -> Sent:
        sent, numbers, lock = Sent(), count(), threading.Lock()
        found = ChatUser.objects.in_bulk([GUESTS + chat for chat, _ in order.guests])
        authors = [found[GUESTS + chat] for chat, _ in order.guests]
        connection.close()
        start = time.monotonic() + 0.2

        def work() -> None:
            while (number := next(numbers)) < order.rate * order.seconds:
                time.sleep(max(start + number / order.rate - time.monotonic(), 0))
                if time.monotonic() > start + order.seconds:
                    break
                author = authors[number % len(authors)]
                began = monotonic_ns()
                try:
                    row, _ = messages.send(author, f"{TEXT} {number}")
                except Exception as error:
                    with lock:
                        sent.failed[f"failed: {error!r}"] += 1
                    continue
                now = monotonic_ns()
                with lock:
                    sent.add(author.chat_id, row["seq"], began, now)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sent

    serve(pipe, run)


def serve(pipe: Connection, run: Any) -> None:
    while True:
        (order,) = pipe.recv()
        try:
            answer = run(order)
        except Exception as error:
            answer = error
        pipe.send(answer)


class Senders(Child):
    """The senders, as the benchmark sees them."""

    def __init__(self, main: Main = by_http) -> None:
        super().__init__(main)
        self.seconds = 0.0

    def start(self, order: Order) -> None:
        self.seconds = order.seconds
        self.tell(order)

    def result(self) -> Sent:
        sent: Sent = self.answer(self.seconds + 30)
        return sent
