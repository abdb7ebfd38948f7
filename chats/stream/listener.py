"""What this process hears of hints: over Redis, or without it in the file of this machine."""

import asyncio
import logging
import math
from collections.abc import Iterable
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatapi.hints import CONTROL, channel, notes
from chats.stream import reader

logger = logging.getLogger(__name__)


class Audience(Protocol):
    """Whom a listener tells."""

    def heard(self, channel: str, payload: bytes) -> None: ...

    def deaf(self) -> None:
        """Hints are not heard any more; some may have been lost already."""

    def hearing(self) -> None:
        """Hints are heard from now on."""


class RedisListener:
    """One connection, on the channels that are wanted.

    Not Redis' own PubSub class: it connects anew by itself and does not tell that it was away,
    when the log has to be read for what was missed.
    """

    PING = 5.0  # seconds; a connection silent for twice as long is given up
    RETRY = 0.5

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._connection: Any = None
        self._changed: dict[str, bool] = {}
        self._task = asyncio.create_task(self._run())
        self._heard_at = 0.0
        self._away = False

    def stop(self) -> None:
        self._task.cancel()

    async def join(self, names: Iterable[str]) -> None:
        """Return when the channels are heard, or nothing is."""
        futures = []
        for name in names:
            if name not in self._wanted:
                self._wanted[name] = asyncio.get_running_loop().create_future()
                self._change(name, True)
            futures.append(self._wanted[name])
        if self._connection is not None:
            for future in futures:
                await asyncio.shield(future)

    def leave(self, name: str) -> None:
        if self._wanted.pop(name, None) is not None:
            self._change(name, False)

    # --- Inside ---

    def _change(self, name: str, wanted: bool) -> None:
        """Tell Redis soon: what changes in one turn of the event loop goes in one command."""
        if self._connection is None:
            return
        if not self._changed:
            asyncio.get_running_loop().call_soon(
                lambda: asyncio.ensure_future(self._tell_changes())
            )
        self._changed[name] = wanted

    async def _tell_changes(self) -> None:
        changed, self._changed = self._changed, {}
        for command, wanted in (("SUBSCRIBE", True), ("UNSUBSCRIBE", False)):
            names = [channel(name) for name, now in changed.items() if now is wanted]
            if names and self._connection is not None:
                try:
                    await self._connection.send_command(command, *names)
                except (redis.RedisError, OSError):
                    return  # the reading side notices, and begins anew

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (TimeoutError, redis.RedisError, OSError) as error:
                if not self._away:
                    self._away = True
                    logger.warning("Redis is away, the log is asked for news: %s", error)
            await self._hang_up()
            await asyncio.sleep(self.RETRY)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        self._audience.deaf()
        for future in self._wanted.values():
            if not future.done():
                future.set_result(None)  # the log is asked instead
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _listen(self) -> None:
        pool: Any = redis.asyncio.ConnectionPool.from_url(
            settings.REDIS_URL,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=5,
            socket_connect_timeout=2,
        )
        connection = pool.make_connection()
        loop = asyncio.get_running_loop()
        await connection.connect()
        self._wanted = {name: loop.create_future() for name in self._wanted}
        self._wanted.setdefault(CONTROL, loop.create_future())
        self._changed = {}
        self._connection = connection
        names = list(self._wanted)
        await connection.send_command("SUBSCRIBE", *map(channel, names))
        pinging = asyncio.create_task(self._ping(connection))
        missing = set(names)
        try:
            while True:
                response = await connection.read_response(timeout=math.inf)
                self._heard_at = loop.time()
                if response[0] == b"message":
                    self._audience.heard(self._name(response[1]), response[2])
                elif response[0] == b"subscribe":
                    name = self._name(response[1])
                    if name in self._wanted and not self._wanted[name].done():
                        self._wanted[name].set_result(None)
                    if missing:
                        missing.discard(name)
                        if not missing:
                            if self._away:
                                self._away = False
                                logger.warning("Redis is back, hints are heard.")
                            self._audience.hearing()
        finally:
            pinging.cancel()

    async def _ping(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._heard_at = max(self._heard_at, loop.time() - self.PING)
            await asyncio.sleep(self.PING)
            if self._heard_at < loop.time() - 2 * self.PING:
                await connection.disconnect(nowait=True)
                return
            await connection.send_command("PING")

    @staticmethod
    def _name(in_redis: bytes) -> str:
        return in_redis.decode().removeprefix(settings.REDIS_PREFIX)


class NoteListener:
    """Without Redis: only what passes is heard, by a look into the file twice a second."""

    PAUSE = 0.5

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        self._task.cancel()

    async def join(self, names: Iterable[str]) -> None:
        pass

    def leave(self, name: str) -> None:
        pass

    async def _run(self) -> None:
        last = await reader.in_thread(notes().last)
        while True:
            await asyncio.sleep(self.PAUSE)
            for number, name, payload in await reader.in_thread(notes().after, last):
                last = number
                self._audience.heard(name, payload)


def listener(audience: Audience) -> RedisListener | NoteListener:
    return RedisListener(audience) if settings.REDIS_URL else NoteListener(audience)
