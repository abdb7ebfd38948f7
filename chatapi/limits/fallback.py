"""Keep counting on this machine while Redis is down, so that no request fails."""

import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import redis

logger = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")


class WithFallback(Generic[S]):
    """Calls the store in Redis, or the local one while Redis does not respond."""

    RETRY_SECONDS = 1.0  # between two attempts while Redis is down

    def __init__(self, remote: S | None, local: S) -> None:
        self.remote = remote
        self.local = local
        self._down_until = 0.0

    def call(self, operation: Callable[[S], T]) -> T:
        if self.remote is not None and time.monotonic() >= self._down_until:
            try:
                return operation(self.remote)
            except redis.RedisError as error:
                self._down_until = time.monotonic() + self.RETRY_SECONDS
                logger.warning("Redis is down, limits are counted on this machine: %s", error)
        return operation(self.local)
