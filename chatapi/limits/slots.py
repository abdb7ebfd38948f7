"""How many expensive reads a caller may run at once, across processes and machines."""

import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Protocol

import redis
from django.conf import settings

from chatapi.bus.connection import Script
from chatapi.limits.fallback import WithFallback

LEASE = 60_000  # milliseconds; after that, the slots of a process that died are free again


class Store(Protocol):
    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        """Lease `weight` of the key's `max_slots` slots. False if too few are free."""

    def give_back(self, key: str, lease: int, weight: int) -> None:
        """End a lease."""


TAKE = Script("""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, weight, slots, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) + weight > slots then return 0 end
for slot = 1, weight do
  redis.call('ZADD', KEYS[1], now + lifetime, lease .. ':' .. slot)
end
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1
""")

GIVE_BACK = Script("""
for slot = 1, tonumber(ARGV[2]) do
  redis.call('ZREM', KEYS[1], ARGV[1] .. ':' .. slot)
end
""")


class RedisStore:
    """Leases in Redis, shared by all machines."""

    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        return bool(TAKE([key], [lease, weight, max_slots, LEASE]))

    def give_back(self, key: str, lease: int, weight: int) -> None:
        GIVE_BACK([key], [lease, weight])


class MemoryStore:
    """Leases in the memory of this process, which end with it."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        with self._lock:
            if self._taken[key] + weight > max_slots:
                return False
            self._taken[key] += weight
        return True

    def give_back(self, key: str, lease: int, weight: int) -> None:
        with self._lock:
            self._taken[key] -= weight
            if not self._taken[key]:
                del self._taken[key]


class Slots(WithFallback[Store]):
    """Leases in Redis or in memory. While Redis is down, each process counts for itself."""

    @contextmanager
    def lease(self, caller: str, weight: int) -> Iterator[bool]:
        """Lease slots for the block. Yields False if too few are free."""
        key, lease = slot_key(caller), secrets.randbits(62)
        max_slots = max(settings.MAX_EXPENSIVE_READS, weight)
        store, leased = self.call(lambda s: (s, s.take(key, lease, weight, max_slots)))
        try:
            yield leased
        finally:
            if leased:
                with suppress(redis.RedisError):  # the lease then expires
                    store.give_back(key, lease, weight)


def slot_key(caller: str) -> str:
    digest = hashlib.blake2b(caller.encode(), digest_size=16).hexdigest()
    return f"{settings.REDIS_PREFIX}expensive:{digest}"


@cache
def slots() -> Slots:
    return Slots(RedisStore() if settings.REDIS_URL else None, MemoryStore())
