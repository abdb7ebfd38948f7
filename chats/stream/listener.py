"""What this process hears of hints: over Redis, or without it in the file of this machine."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatapi.bus.hints import CONTROL, channel, notes
from chats.stream import log_reader

logger = logging.getLogger(__name__)


class MessageHandler(Protocol):
    """Whom a listener tells."""

    def on_message(self, channel: str, payload: bytes) -> None: ...

    def on_disconnected(self) -> None:
        """Hints are not heard any more; some may have been lost already."""

    def on_connected(self) -> None:
        """Hints are heard from now on."""


class RedisListener:
    """One connection, on the channels that are wanted.

    Not Redis' own PubSub class: it connects anew by itself and does not tell that it was away,
    when the log has to be read for what was missed.
    """

    PING = 1.5  # seconds; a connection that has not answered by then is given up
    RETRY = 0.5

    def __init__(self, handler: MessageHandler) -> None:
        self._handler = handler
        self._connection: Any = None
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._subscribed: set[str] = set()  # as Redis was told
        self._unconfirmed: Counter[str] = Counter()
        self._wanted_changed = asyncio.Event()
        self._last_reply_at = 0.0
        self._down = False
        self._task = asyncio.create_task(self._run())

    async def subscribe(self, names: Iterable[str]) -> None:
        """Return when the channels are heard, or nothing is."""
        futures = [self._want(name) for name in names]
        if self._connection is not None:
            self._wanted_changed.set()
            for future in futures:
                await asyncio.shield(future)

    def _want(self, name: str) -> asyncio.Future[None]:
        if name not in self._wanted:
            self._wanted[name] = asyncio.get_running_loop().create_future()
        return self._wanted[name]

    def unsubscribe(self, name: str) -> None:
        future = self._wanted.pop(name, None)
        if future is not None:
            self._wanted_changed.set()
            if not future.done():
                future.set_result(None)  # whoever joins at the same time need not wait

    # --- The connection ---

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as error:
                if not self._down:
                    self._down = True
                    logger.warning("Redis is away, the log is asked for news: %s", error)
            except Exception:
                logger.exception("hints can't be heard, the log is asked for news")
            connection, self._connection = self._connection, None
            self._confirm_all()  # the log is asked instead
            self._handler.on_disconnected()
            if connection is not None:
                await connection.disconnect(nowait=True)
            await asyncio.sleep(self.RETRY)

    async def _listen(self) -> None:
        pool: Any = redis.asyncio.ConnectionPool.from_url(
            settings.REDIS_URL,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=5,
            socket_connect_timeout=2,
        )
        connection = pool.make_connection()
        await connection.connect()
        self._subscribed, self._unconfirmed = set(), Counter()
        self._wanted = {name: asyncio.Future() for name in {CONTROL, *self._wanted}}
        self._connection = connection
        self._wanted_changed.set()
        sending_changes = asyncio.create_task(self._send_changes(connection))
        pinging = asyncio.create_task(self._ping(connection))
        first = set(self._wanted)
        try:
            while True:
                response = await connection.read_response(timeout=math.inf)
                self._last_reply_at = asyncio.get_running_loop().time()
                name = response[1].decode().removeprefix(settings.REDIS_PREFIX)
                if response[0] == b"message":
                    self._deliver(name, response[2])
                elif response[0] == b"subscribe":
                    self._unconfirmed[name] -= 1
                    self._confirm(name)
                    if first:
                        first.discard(name)
                        if not first:
                            self._report_connected()
        finally:
            sending_changes.cancel()
            pinging.cancel()

    def _deliver(self, name: str, payload: bytes) -> None:
        try:
            self._handler.on_message(name, payload)
        except Exception:  # of another version, maybe; the others are none the worse
            logger.exception("a hint on %s is not understood", name)

    def _report_connected(self) -> None:
        if self._down:
            self._down = False
            logger.warning("Redis is back, hints are heard.")
        self._handler.on_connected()

    def _confirm(self, name: str) -> None:
        future = self._wanted.get(name)
        if future is not None and not future.done() and self._unconfirmed[name] <= 0:
            future.set_result(None)

    def _confirm_all(self) -> None:
        for future in self._wanted.values():
            if not future.done():
                future.set_result(None)

    async def _send_changes(self, connection: Any) -> None:
        """Tell Redis what is wanted; what changes meanwhile goes together in the next command."""
        while True:
            await self._wanted_changed.wait()
            self._wanted_changed.clear()
            wanted = set(self._wanted)
            more, less = wanted - self._subscribed, self._subscribed - wanted
            self._subscribed = wanted
            self._unconfirmed.update(more)
            for name in wanted - more:
                self._confirm(name)  # left and joined again before Redis was told
            try:
                if less:
                    await connection.send_command("UNSUBSCRIBE", *map(channel, less))
                if more:
                    await connection.send_command("SUBSCRIBE", *map(channel, more))
            except (redis.RedisError, OSError):
                return  # the reading side notices, and begins anew

    async def _ping(self, connection: Any) -> None:
        """End a connection that is there but silent, as when Redis' machine has gone."""
        loop = asyncio.get_running_loop()
        while True:
            sent_at = loop.time()
            try:
                await connection.send_command("PING")
            except (redis.RedisError, OSError):
                return
            await asyncio.sleep(self.PING)
            if self._last_reply_at < sent_at:
                await connection.disconnect(nowait=True)
                return


class FileListener:
    """Without Redis: only what passes is heard, by a look into the file twice a second."""

    PAUSE = 0.5

    def __init__(self, handler: MessageHandler) -> None:
        self._handler = handler
        self._last: int | None = None
        self._task = asyncio.create_task(self._run())

    async def subscribe(self, names: Iterable[str]) -> None:
        """Nothing is to be waited for: the log is asked."""

    def unsubscribe(self, name: str) -> None:
        pass

    async def _run(self) -> None:
        while True:
            try:
                await self._resync()
            except Exception:
                logger.exception("notes can't be read")
            await asyncio.sleep(self.PAUSE)

    async def _resync(self) -> None:
        if self._last is None:
            self._last = await log_reader.BACKGROUND_POOL.call(notes().last)
        for number, name, payload in await log_reader.BACKGROUND_POOL.call(
            notes().after, self._last
        ):
            self._last = number
            self._handler.on_message(name, payload)


def listener(handler: MessageHandler) -> RedisListener | FileListener:
    return RedisListener(handler) if settings.REDIS_URL else FileListener(handler)
