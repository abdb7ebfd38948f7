"""Those who listen: all streams of a scenario in one process, which takes commands over a pipe."""

import asyncio
import gc
import random
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic_ns
from typing import Any

import uvloop

from bench.live.child import Child
from bench.live.wire import Wire

HOST = "127.0.0.1"
AT_ONCE = 100  # streams that are being opened
OPEN_SECONDS = 90  # for all of them
QUIET_SECONDS = 2  # without an event, after which nothing more is expected
Wanted = tuple[int, str, int]  # a stream's chat, its token and the last seq it has seen


@dataclass
class Deliveries:
    """What came in since the last `take`. Lists of one event each: stream, seq and time."""

    streams: "array[int]"
    seqs: "array[int]"
    times: "array[int]"
    opened: "array[int]"  # by stream: when its last connection was answered
    missing: int
    doubled: int  # or out of order
    counts: Counter[str]
    comments: int


class Stream(asyncio.Protocol):
    """One listener, through all its connections."""

    __slots__ = ("chat", "head", "index", "last", "pool", "token", "transport", "wire")

    def __init__(self, pool: "Pool", index: int, chat: int, token: str, last: int) -> None:
        self.pool, self.index, self.chat, self.token, self.last = pool, index, chat, token, last
        self.transport: Any = None
        self.head: asyncio.Future[int]  # the status of the answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.wire = transport, Wire()
        self.transport.write(
            f"GET /api/chats/{self.chat}/events HTTP/1.1\r\nHost: {HOST}\r\n"
            f"Accept: text/event-stream\r\nAuthorization: Bearer {self.token}\r\n"
            f"Last-Event-ID: {self.last}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        wire, pool = self.wire, self.pool
        for seq in wire.feed(data):
            if seq == self.last + 1:
                self.last = seq
            elif seq > self.last:
                pool.missing += seq - self.last - 1
                self.last = seq
            else:
                pool.doubled += 1
            pool.streams_of.append(self.index)
            pool.seqs.append(seq)
            pool.times.append(now)
        if wire.comments:
            pool.comments += wire.comments
            wire.comments = 0
        if wire.status and not self.head.done():
            pool.opened[self.index] = now
            self.head.set_result(wire.status)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.head.done():
            self.head.set_exception(ConnectionResetError())
        elif self.wire.status == 200 and not self.pool.closing:
            self.pool.counts["bye" if self.wire.said_bye else "cut"] += 1
            self.pool.come_back(self)


class Pool:
    """All streams to one port. Whoever is cut off comes back within `spread` seconds."""

    def __init__(self, port: int, wanted: Iterable[Wanted], spread: float) -> None:
        self.port, self.spread, self.closing = port, spread, False
        self.streams = [Stream(self, index, *each) for index, each in enumerate(wanted)]
        self.opened = array("q", bytes(8 * len(self.streams)))
        self.tasks: set[asyncio.Task[None]] = set()
        self.empty()

    def empty(self) -> None:
        self.streams_of, self.seqs, self.times = array("I"), array("q"), array("q")
        self.missing = self.doubled = self.comments = 0
        self.counts: Counter[str] = Counter()

    async def open(self) -> None:
        waiting = iter(self.streams)

        async def some() -> None:
            for stream in waiting:
                await self.connect(stream)

        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        except TimeoutError:
            raise RuntimeError(f"not all streams could be opened: {dict(self.counts)}") from None

    async def connect(self, stream: Stream) -> None:
        """Until it is answered as it should be."""
        loop = asyncio.get_running_loop()
        while not self.closing:
            stream.head = loop.create_future()
            try:
                await loop.create_connection(lambda: stream, HOST, self.port)
                status = await stream.head
            except OSError:
                self.counts["refused"] += 1
                await asyncio.sleep(random.uniform(0.2, 0.6))
                continue
            if status == 200:
                return
            self.counts[f"answered {status}"] += 1
            stream.transport.abort()
            await asyncio.sleep(1)

    def come_back(self, stream: Stream) -> None:
        async def later() -> None:
            await asyncio.sleep(random.uniform(0, self.spread))
            await self.connect(stream)

        task = asyncio.get_running_loop().create_task(later())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def behind(self, heads: dict[int, int]) -> int:
        """How many events of the logs have not come in."""
        return sum(max(heads.get(each.chat, 0) - each.last, 0) for each in self.streams)

    async def wait(self, heads: dict[int, int], seconds: float) -> int:
        """Until all have all, or nothing more comes in; returns how many events have not."""
        loop = asyncio.get_running_loop()
        end, seen, last = loop.time() + seconds, 0, loop.time()
        while (left := self.behind(heads)) and loop.time() < end:
            if len(self.seqs) != seen or self.tasks:
                seen, last = len(self.seqs), loop.time()
            elif loop.time() - last > QUIET_SECONDS:
                break
            await asyncio.sleep(0.1)
        return left

    def take(self, heads: dict[int, int]) -> Deliveries:
        """What came in. What is missing by now will not be waited for."""
        taken = Deliveries(
            self.streams_of, self.seqs, self.times, self.opened,
            self.missing + self.behind(heads), self.doubled, self.counts, self.comments,
        )  # fmt: skip
        for stream in self.streams:
            stream.last = max(stream.last, heads.get(stream.chat, 0))
        self.empty()
        return taken

    async def close(self) -> None:
        self.closing = True
        for task in list(self.tasks):
            task.cancel()
        for stream in self.streams:
            if stream.transport is not None:
                stream.transport.abort()
        await asyncio.sleep(0.2)


async def serve(pipe: Connection) -> None:
    """One command after the other, until the pipe is closed."""
    loop = asyncio.get_running_loop()
    pool = Pool(0, [], 0)
    while True:
        # In a thread: the loop would make the pipe one that never waits, for sending too.
        command = await loop.run_in_executor(None, pipe.recv)
        name, *values = command
        answer: Any = None
        try:
            if name == "open":
                pool = Pool(*values)
                await pool.open()
            elif name == "take":
                answer = pool.take(*values)
            elif name == "wait":
                answer = await pool.wait(*values)
            else:
                await pool.close()
        except Exception as error:
            answer = error
        pipe.send(answer)


def main(pipe: Connection) -> None:
    gc.disable()  # nothing here goes round in circles, and a pause would be measured
    uvloop.run(serve(pipe))


class Receivers(Child):
    """The listeners of one scenario, as the benchmark sees them."""

    def __init__(self) -> None:
        super().__init__(main)
        self.chats: list[int] = []  # by stream

    def open(self, port: int, wanted: list[Wanted], spread: float = 0.5) -> None:
        """Open all of them; whoever is cut off comes back within `spread` seconds."""
        self.chats = [chat for chat, _, _ in wanted]
        self.ask("open", port, wanted, spread, seconds=120)

    def wait(self, heads: dict[int, int], seconds: float) -> int:
        missing: int = self.ask("wait", heads, seconds, seconds=seconds + 30)
        return missing

    def take(self, heads: dict[int, int]) -> Deliveries:
        taken: Deliveries = self.ask("take", heads)
        return taken

    def close(self) -> None:
        self.ask("close")
