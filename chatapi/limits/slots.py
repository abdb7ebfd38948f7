"""How many expensive reads a caller may run at once, across processes and machines."""

import hashlib
import logging
import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings

from chatapi.bus.redis import Script, ThreadConnection
from chatapi.db.local_file import LocalFile
from chatapi.limits.fallback import WithFallback

logger = logging.getLogger(__name__)

LEASE = 60_000  # milliseconds; after that, the slots of a process that died are free again


class Store(Protocol):
    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        """Lease `weight` of the key's `max_slots` slots. False if too few are free."""

    def give_back(self, key: str, lease: int, weight: int) -> None:
        """End a lease."""


TAKE = """
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
"""

GIVE_BACK = """
for slot = 1, tonumber(ARGV[2]) do
  redis.call('ZREM', KEYS[1], ARGV[1] .. ':' .. slot)
end
"""


class RedisStore:
    """Leases in Redis, shared by all machines."""

    def __init__(self) -> None:
        connection = ThreadConnection()
        self._take = Script(connection, TAKE)
        self._give_back = Script(connection, GIVE_BACK)

    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        return bool(self._take([key], [lease, weight, max_slots, LEASE]))

    def give_back(self, key: str, lease: int, weight: int) -> None:
        self._give_back([key], [lease, weight])


class LocalStore:
    """Leases in a file that the processes of one machine share."""

    def __init__(self, path: Path | str) -> None:
        self._file = LocalFile(
            path,
            "CREATE TABLE IF NOT EXISTS leases (key TEXT NOT NULL, lease INTEGER NOT NULL,"
            " weight INTEGER NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (key, lease))"
            " WITHOUT ROWID",
        )

    def take(self, key: str, lease: int, weight: int, max_slots: int) -> bool:
        now = time.time_ns() // 1_000_000
        with self._file.writing() as file:
            file.execute("DELETE FROM leases WHERE ends <= ?", [now])
            (taken,) = file.execute(
                "SELECT COALESCE(SUM(weight), 0) FROM leases WHERE key = ?", [key]
            ).fetchone()
            if taken + weight > max_slots:
                return False
            file.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?)", [key, lease, weight, now + LEASE]
            )
        return True

    def give_back(self, key: str, lease: int, weight: int) -> None:
        self._file.connection.execute(
            "DELETE FROM leases WHERE key = ? AND lease = ?", [key, lease]
        )


class Slots(WithFallback[Store]):
    """Leases in Redis, or in the local file while Redis is down; it never fails."""

    def take(self, caller: str, lease: int, weight: int) -> bool:
        max_slots = max(settings.MAX_EXPENSIVE_READS, weight)
        try:
            return self.call(lambda store: store.take(slot_key(caller), lease, weight, max_slots))
        except sqlite3.Error as error:  # a full disk must not refuse every request
            logger.error("expensive reads cannot be counted: %s", error)
            return True

    def give_back(self, caller: str, lease: int, weight: int) -> None:
        try:
            self.call(lambda store: store.give_back(slot_key(caller), lease, weight))
        except sqlite3.Error as error:
            logger.error("expensive reads cannot be counted: %s", error)


def slot_key(caller: str) -> str:
    digest = hashlib.blake2b(caller.encode(), digest_size=16).hexdigest()
    return f"{settings.REDIS_PREFIX}expensive:{digest}"


@cache
def slots() -> Slots:
    remote = RedisStore() if settings.REDIS_URL else None
    return Slots(remote, LocalStore(settings.DATA_DIR / "expensive.sqlite3"))
