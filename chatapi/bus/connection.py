"""The connections of this process to Redis."""

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry


def client() -> redis.Redis:
    """A client that fails fast, because its callers can do without Redis.

    It retries once, for a connection that was closed while idle.
    """
    return client_of(settings.REDIS_URL)


@cache
def client_of(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )


def connection() -> "ThreadConnection":
    """The connection of this thread, for the few commands that every request sends."""
    return connection_of(settings.REDIS_URL)


class ThreadConnection:
    """One connection per thread: redis-py's, without the pool, retries and telemetry of its client.

    With the client, sending a message took 15 % more of the processor.
    """

    def __init__(self, url: str) -> None:
        # A pool of its own, whose number of connections is that of the threads that ever lived.
        self._pool = redis.ConnectionPool.from_url(
            url, socket_timeout=1, socket_connect_timeout=1, max_connections=2**20
        )
        self._local = threading.local()

    def execute(self, *commands: Sequence[bytes | str | int]) -> list[Any]:
        """Send all commands at once and return their replies. Raises redis.RedisError.

        If the connection fails, usually because it was closed while idle, they are sent once more.
        """
        packed = [pack_command(tuple(command)) for command in commands]  # type: ignore[arg-type]  # typed as if a command had one word
        try:
            return self._execute(packed)
        except (redis.ConnectionError, redis.TimeoutError):
            return self._execute(packed)

    def _execute(self, packed: list[bytes]) -> list[Any]:
        try:
            connection = self._local.connection
        except AttributeError:
            connection = self._local.connection = self._pool.make_connection()
        refusal = None
        replies = []
        try:
            connection.send_packed_command(packed)
            for _ in packed:
                try:
                    replies.append(connection.read_response())
                except redis.ResponseError as error:
                    refusal = error  # the other replies must still be read
        except BaseException:
            connection.disconnect()
            raise
        if refusal is not None:
            raise refusal
        return replies


@cache
def connection_of(url: str) -> ThreadConnection:
    return ThreadConnection(url)


# Two processes on one connection would mix their replies.
os.register_at_fork(after_in_child=connection_of.cache_clear)


class Script:
    """A Lua script, which Redis runs atomically and caches. It is sent again if forgotten."""

    def __init__(self, source: str) -> None:
        self.source = source
        # Not for security: Redis names scripts by their SHA-1.
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], values: Sequence[int]) -> Any:
        """Run the script. Raises redis.RedisError."""
        execute = connection().execute
        try:
            return execute(("EVALSHA", self.digest, len(keys), *keys, *values))[0]
        except redis.exceptions.NoScriptError:
            return execute(("EVAL", self.source, len(keys), *keys, *values))[0]
