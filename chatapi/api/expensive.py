"""Limit reads that can keep the database busy: how many run at once, and for how long.

An ordinary page of a list costs the same however large the tables are. The cost of a search, a deep
page or a year of statistics grows with the rows that it reads, so a caller who sends many at once
could occupy every thread that serves the others. Several callers together could do the same, since
accounts are free. Therefore each process keeps one thread free of expensive reads.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import OperationalError, connection, transaction

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.limits.slots import slots

RETRY_AFTER = "1"


@contextmanager
def expensive_read(caller: str, timeout: int, weight: int = 1) -> Iterator[None]:
    """Run the block as one of the caller's few expensive reads.

    `timeout` applies to each statement, in milliseconds; `weight` is the number of slots that the
    read takes. Raises ApiError 429 when the caller has too few free slots, and 422 `query_timeout`
    when a statement takes too long.
    """
    with spare_thread(), slots().lease(caller, weight) as leased:
        if not leased:
            raise too_many()
        with time_limit(timeout):
            yield


def too_many() -> ApiError:
    return ApiError(
        ErrorCode.RATE_LIMITED,
        "Too many expensive requests at once; wait for one to end.",
        headers={"Retry-After": RETRY_AFTER},
    )


# --- Duration -------------------------------------------------------------------------------------


@contextmanager
def time_limit(timeout: int) -> Iterator[None]:
    """Raise ApiError 422 `query_timeout` if a statement of the block takes over `timeout` ms."""
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
    with transaction.atomic():  # SET LOCAL ends with it, behind a connection pooler too
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {timeout:d}")
        yield


@contextmanager
def sqlite_time_limit(timeout: int) -> Iterator[None]:
    """Interrupt the block's statements from a thread, because SQLite has no such setting."""
    connection.ensure_connection()
    running, lock = connection.connection, threading.Lock()
    over = threading.Event()

    def watch() -> None:
        seconds = timeout / 1000
        while not over.wait(seconds):
            with lock:
                if not over.is_set():
                    running.interrupt()
            seconds = 0.1  # repeat, because no statement may have been running at that moment

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:  # afterwards the connection may run statements of another request
            over.set()


def was_interrupted(error: OperationalError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
    return isinstance(cause, psycopg.errors.QueryCanceled)


# --- Threads --------------------------------------------------------------------------------------


@contextmanager
def spare_thread() -> Iterator[None]:
    """Run the block only if another thread of this process stays free; otherwise ApiError 429.

    A process with a single thread runs the block anyway.
    """
    if not _running.begin(max(1, settings.WEB_THREADS - 1)):
        raise too_many()
    try:
        yield
    finally:
        _running.end()


class Running:
    """Counts the expensive reads that run in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def begin(self, limit: int) -> bool:
        with self._lock:
            if self._count >= limit:
                return False
            self._count += 1
            return True

    def end(self) -> None:
        with self._lock:
            self._count -= 1


_running = Running()
