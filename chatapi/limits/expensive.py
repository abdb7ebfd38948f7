"""Reads that can keep the database busy: few at once for each caller, and each for a short time.

A list's plain pages cost the same whatever the size of the tables. The cost of a search, a page far
down or a year of statistics grows with the rows that it looks at, and a caller who asks for many at
once could hold every thread that serves the others. So could several callers together, as accounts
cost nothing: one thread of each process is left to other requests.
"""

import hashlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import psycopg
import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.bus.redis import Line
from chatapi.limits.limiter import Script
from chatapi.limits.local_file import LocalFile

logger = logging.getLogger(__name__)

T = TypeVar("T")

LEASE = 60_000  # milliseconds; the slots of a process that died are free again after that
RETRY_AFTER = "1"


@contextmanager
def expensive_read(caller: str, timeout: int, weight: int = 1) -> Iterator[None]:
    """Run the block as one of the caller's few expensive reads.

    `timeout` is in milliseconds, for each statement. `weight` is how many slots the read takes.
    ApiError 429 when the caller has no slot left, 422 `query_timeout` when a statement took longer.
    """
    lease = secrets.randbits(62)
    with spare_thread():
        if not slots().take(caller, lease, weight):
            raise too_many()
        try:
            with time_limit(timeout):
                yield
        finally:
            slots().give_back(caller, lease, weight)


def too_many() -> ApiError:
    return ApiError(
        ErrorCode.RATE_LIMITED,
        "Too many searches at once; wait for one to end.",
        headers={"Retry-After": RETRY_AFTER},
    )


# --- How long -------------------------------------------------------------------------------------


@contextmanager
def time_limit(timeout: int) -> Iterator[None]:
    """ApiError 422 `query_timeout` when a statement of the block takes longer, in milliseconds."""
    on_sqlite = connection.vendor == "sqlite"
    try:
        with sqlite_time_limit(timeout) if on_sqlite else postgresql_time_limit(timeout):
            yield
    except OperationalError as error:
        if not was_interrupted(error):
            raise
        raise ApiError(ErrorCode.QUERY_TIMEOUT) from None


@contextmanager
def postgresql_time_limit(timeout: int) -> Iterator[None]:
    with transaction.atomic():  # ends the setting, behind a pooler too
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {timeout:d}")
        yield


@contextmanager
def sqlite_time_limit(timeout: int) -> Iterator[None]:
    """SQLite has no such setting: a thread interrupts what runs when the block's time is up."""
    connection.ensure_connection()
    running, lock = connection.connection, threading.Lock()
    over = threading.Event()

    def watch() -> None:
        seconds = timeout / 1000
        while not over.wait(seconds):
            with lock:
                if not over.is_set():
                    running.interrupt()
            seconds = 0.1  # again: there may have been no statement running just then

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:  # from here on the connection may run another request's statements
            over.set()


def was_interrupted(error: OperationalError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
    return isinstance(cause, psycopg.errors.QueryCanceled)


# --- How many at once -----------------------------------------------------------------------------


@contextmanager
def spare_thread() -> Iterator[None]:
    """Run the block if a thread of this process stays free of expensive reads; else ApiError 429.

    A process of a single thread has none to spare.
    """
    if not _running.begin(max(1, settings.WEB_THREADS - 1)):
        raise too_many()
    try:
        yield
    finally:
        _running.end()


class Running:
    """How many expensive reads run in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def begin(self, most: int) -> bool:
        with self._lock:
            if self._count >= most:
                return False
            self._count += 1
            return True

    def end(self) -> None:
        with self._lock:
            self._count -= 1


_running = Running()


class Store(Protocol):
    def take(self, key: str, lease: int, weight: int, most: int) -> bool:
        """Note a lease for `weight` of the key's `most` slots; False when they are taken."""

    def give_back(self, key: str, lease: int, weight: int) -> None:
        """End a lease."""


TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, weight, most, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) + weight > most then return 0 end
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
    def __init__(self) -> None:
        line = Line()
        self._take = Script(line, TAKE)
        self._give_back = Script(line, GIVE_BACK)

    def take(self, key: str, lease: int, weight: int, most: int) -> bool:
        return bool(self._take([key], [lease, weight, most, LEASE]))

    def give_back(self, key: str, lease: int, weight: int) -> None:
        self._give_back([key], [lease, weight])


class LocalStore:
    """The same in a file that the processes of one machine share."""

    def __init__(self, path: Path | str) -> None:
        self._file = LocalFile(
            path,
            "CREATE TABLE IF NOT EXISTS leases (key TEXT NOT NULL, lease INTEGER NOT NULL,"
            " weight INTEGER NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (key, lease))"
            " WITHOUT ROWID",
        )

    def take(self, key: str, lease: int, weight: int, most: int) -> bool:
        now = time.time_ns() // 1_000_000
        with self._file.writing() as file:
            file.execute("DELETE FROM leases WHERE ends <= ?", [now])
            (taken,) = file.execute(
                "SELECT COALESCE(SUM(weight), 0) FROM leases WHERE key = ?", [key]
            ).fetchone()
            if taken + weight > most:
                return False
            file.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?)", [key, lease, weight, now + LEASE]
            )
        return True

    def give_back(self, key: str, lease: int, weight: int) -> None:
        self._file.connection.execute(
            "DELETE FROM leases WHERE key = ? AND lease = ?", [key, lease]
        )


class Slots:
    """Leases in Redis, or in the local file while Redis does not answer."""

    RETRY = 1.0  # seconds between two attempts at a Redis that is down

    def __init__(self, remote: Store | None, local: Store) -> None:
        self.remote = remote
        self.local = local
        self._down_until = 0.0

    def take(self, caller: str, lease: int, weight: int) -> bool:
        most = max(settings.MAX_EXPENSIVE_READS, weight)
        try:
            return self._ask(lambda store: store.take(key_of(caller), lease, weight, most))
        except sqlite3.Error as error:  # a full disk is no reason to refuse everybody
            logger.error("Expensive reads cannot be counted: %s", error)
            return True

    def give_back(self, caller: str, lease: int, weight: int) -> None:
        try:
            self._ask(lambda store: store.give_back(key_of(caller), lease, weight))
        except sqlite3.Error as error:
            logger.error("Expensive reads cannot be counted: %s", error)

    def _ask(self, question: Callable[[Store], T]) -> T:
        if self.remote is not None and time.monotonic() >= self._down_until:
            try:
                return question(self.remote)
            except redis.RedisError as error:
                self._down_until = time.monotonic() + self.RETRY
                logger.warning("Redis is down, expensive reads are counted here: %s", error)
        return question(self.local)


def key_of(caller: str) -> str:
    digest = hashlib.blake2b(caller.encode(), digest_size=16).hexdigest()
    return f"{settings.REDIS_PREFIX}expensive:{digest}"


@cache
def slots() -> Slots:
    remote = RedisStore() if settings.REDIS_URL else None
    return Slots(remote, LocalStore(settings.DATA_DIR / "expensive.sqlite3"))
