"""Redis as every part of the application reaches it."""

from typing import Any

import redis
from django.conf import settings
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
