"""Redis as every part of the application reaches it."""

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
    """A client that fails soon: whoever calls goes on without Redis.

    The one retry is for a connection that was closed while it lay idle.
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


class Line:
    """A connection of each thread's own, for the few commands that every request makes.

    It is redis-py's connection without its client, whose pool, retries and telemetry cost a command
    several times what Redis does.
    """

    def __init__(self) -> None:
        # One a thread: threads are bounded elsewhere, and ended ones still count here.
        self._pool = client(max_connections=2**20).connection_pool
        self._forget()
        os.register_at_fork(after_in_child=self._forget)  # two processes on one would mix answers

    def _forget(self) -> None:
        self._own = threading.local()

    def ask(self, *commands: Sequence[bytes | str | int]) -> list[Any]:
        """The replies, after all of `commands` were sent at once. Raises redis.RedisError.

        They are sent again, once, when the connection fails: mostly it was closed while idle.
        """
        packed = [pack_command(tuple(command)) for command in commands]  # type: ignore[arg-type]
        try:
            return self._ask(packed)
        except (redis.ConnectionError, redis.TimeoutError):
            return self._ask(packed)

    def _ask(self, packed: list[bytes]) -> list[Any]:
        try:
            connection = self._own.connection
        except AttributeError:
            connection = self._own.connection = self._pool.make_connection()
        refusal = None
        replies = []
        try:
            connection.send_packed_command(packed)
            for _ in packed:
                try:
                    replies.append(connection.read_response())
                except redis.ResponseError as error:
                    refusal = error  # the others' replies are still to be read
        except BaseException:
            connection.disconnect()
            raise
        if refusal is not None:
            raise refusal
        return replies
