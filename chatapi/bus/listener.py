"""Receive what `chatapi.bus.publish` sends: over Redis or, without it, within this process."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatapi.bus.memory import memory_bus
from chatapi.bus.messages import CONTROL, Message, redis_channel

logger = logging.getLogger(__name__)


class MessageHandler(Protocol):
    """Handles the messages and the state of a listener."""

    def on_message(self, channel: str, payload: bytes) -> None: ...

    def on_disconnected(self) -> None:
        """Hints no longer arrive; some may be lost already."""

    def on_connected(self) -> None:
        """Hints arrive from now on."""


class RedisListener:
    """Subscribes to the wanted channels over one connection.

    redis-py's PubSub class is not used: it reconnects silently, but after a lost connection the log
    must be read for the events that were missed.
    """

    PING_SECONDS = 1.5  # a connection that does not answer in this time is closed
    RETRY_SECONDS = 0.5

    def __init__(self, handler: MessageHandler) -> None:
        self._handler = handler
        self._connection: Any = None
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._subscribed: set[str] = set()  # as last sent to Redis
        self._unconfirmed: Counter[str] = Counter()
        self._wanted_changed = asyncio.Event()
        self._last_reply_at = 0.0
        self._down = False
        self._task = asyncio.create_task(self._run())

    async def subscribe(self, names: Iterable[str]) -> None:
        """Wait until the channels are subscribed, or Redis is down."""
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
                future.set_result(None)  # concurrent subscribers need not wait

    # --- The connection ---

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as error:
                if not self._down:
                    self._down = True
                    logger.warning("Redis is down, polling the log: %s", error)
            except Exception:
                logger.exception("hints cannot be received, polling the log")
            connection, self._connection = self._connection, None
            self._confirm_all()  # the log is polled instead
            self._handler.on_disconnected()
            if connection is not None:
                await connection.disconnect(nowait=True)
            await asyncio.sleep(self.RETRY_SECONDS)

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
        except Exception:  # from another version, perhaps; other messages are not affected
            logger.exception("invalid hint on %s", name)

    def _report_connected(self) -> None:
        if self._down:
            self._down = False
            logger.warning("Redis is back, receiving hints")
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
        """Send changes of the wanted channels to Redis, those of the meantime in one command."""
        while True:
            await self._wanted_changed.wait()
            self._wanted_changed.clear()
            wanted = set(self._wanted)
            more, less = wanted - self._subscribed, self._subscribed - wanted
            self._subscribed = wanted
            self._unconfirmed.update(more)
            for name in wanted - more:
                self._confirm(name)  # unsubscribed and subscribed again in the meantime
            try:
                if less:
                    await connection.send_command("UNSUBSCRIBE", *map(redis_channel, less))
                if more:
                    await connection.send_command("SUBSCRIBE", *map(redis_channel, more))
            except (redis.RedisError, OSError):
                return  # the reading side notices and reconnects

    async def _ping(self, connection: Any) -> None:
        """Close a silent connection, as when the machine of Redis is down."""
        loop = asyncio.get_running_loop()
        while True:
            sent_at = loop.time()
            try:
                await connection.send_command("PING")
            except (redis.RedisError, OSError):
                return
            await asyncio.sleep(self.PING_SECONDS)
            if self._last_reply_at < sent_at:
                await connection.disconnect(nowait=True)
                return


class MemoryListener:
    """Receives every message of this process, over no connection that could be lost."""

    def __init__(self, handler: MessageHandler) -> None:
        self._handler = handler
        memory_bus().add(self._receive)

    async def subscribe(self, names: Iterable[str]) -> None:
        """Do nothing: the handler ignores the channels that it does not want."""

    def unsubscribe(self, name: str) -> None:
        pass

    def _receive(self, messages: Sequence[Message]) -> None:
        for name, payload in messages:
            self._handler.on_message(name, payload)


Listener = RedisListener | MemoryListener


def listen(handler: MessageHandler) -> Listener:
    """Start a listener in the running event loop."""
    return RedisListener(handler) if settings.REDIS_URL else MemoryListener(handler)
