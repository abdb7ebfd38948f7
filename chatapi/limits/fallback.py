"""Keep counting in this process while Redis is down, so that requests go on."""

import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import redis

logger = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")


class RedisDownError(Exception):
    """Only Redis may perform the operation, and it does not respond."""


class WithFallback(Generic[S]):
    """Calls the store in Redis, or the one in memory while Redis is down or not configured."""

    RETRY_SECONDS = 1.0  # between two attempts while Redis is down

    def __init__(self, remote: S | None, local: S) -> None:
        self.remote = remote
        self.local = local
        self._down_until = 0.0

    def call(self, operation: Callable[[S], T], *, shared: bool = False) -> T:
        """Perform an operation on the store.

        Raises RedisDownError if the operation must be `shared` by all processes and Redis, though
        configured, is down.
        """
        if self.remote is None:
            return operation(self.local)
        if time.monotonic() >= self._down_until:
            try:
                return operation(self.remote)
            except redis.RedisError as error:
                self._down_until = time.monotonic() + self.RETRY_SECONDS
                logger.warning("Redis is down, each process counts for itself: %s", error)
        if shared:
            raise RedisDownError
        return operation(self.local)
