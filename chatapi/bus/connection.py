"""The connections to Redis that all threads of this process share."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings
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
        url,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),
        max_connections=2**20,  # one for each thread, and threads are bounded elsewhere
    )


class Script:
    """A Lua script, which Redis runs atomically."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._scripts: dict[str, Any] = {}  # by the URL of Redis

    def __call__(self, keys: Sequence[str], values: Sequence[int]) -> Any:
        """Run the script. Raises redis.RedisError."""
        script = self._scripts.get(settings.REDIS_URL)
        if script is None:
            script = client().register_script(self.source)
            self._scripts[settings.REDIS_URL] = script
        return script(keys, values)
