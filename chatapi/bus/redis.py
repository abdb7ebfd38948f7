"""Connections to Redis."""

import hashlib
import os
import threading
from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry


def client(**options: Any) -> redis.Redis:
    """A client that fails fast, because its callers can do without Redis.

    It retries once, for a connection that was closed while idle.
    """
    return redis.Redis.from_url(
        settings.REDIS_URL,
        **{
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "retry": Retry(NoBackoff(), 1),
            **options,
        },
    )


class ThreadConnection:
    """One connection per thread, for the few commands that every request sends.

    It uses redis-py's connection without its client, whose pool, retries and telemetry cost a
    command several times what Redis does.
    """

    def __init__(self) -> None:
        # One a thread: threads are bounded elsewhere, and ended ones still count here.
        self._pool = client(max_connections=2**20).connection_pool
        self._reset()
        # Two processes on one connection would mix their replies.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._local = threading.local()

    def execute(self, *commands: Sequence[bytes | str | int]) -> list[Any]:
        """Send all commands at once and return their replies. Raises redis.RedisError.

        If the connection fails, usually because it was closed while idle, they are sent once more.
        """
        # hiredis is typed as if a command had only one word.
        packed = [pack_command(tuple(command)) for command in commands]  # type: ignore[arg-type]
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


class Script:
    """A Lua script that Redis caches; it is sent again if Redis has forgotten it."""

    def __init__(self, connection: ThreadConnection, source: str) -> None:
        self.connection = connection
        self.source = source
        # Not for security: Redis names scripts by their SHA-1.
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], values: Sequence[int]) -> Any:
        execute = self.connection.execute
        try:
            return execute(("EVALSHA", self.digest, len(keys), *keys, *values))[0]
        except redis.exceptions.NoScriptError:
            return execute(("EVAL", self.source, len(keys), *keys, *values))[0]
