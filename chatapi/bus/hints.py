"""Word of what has just been committed, for whoever streams it.

A hint may be lost, the log cannot: who hears that hints went astray looks at the log. A hint goes
over a channel of Redis: `chat:42`, `company:3`, or `control`, which every stream process hears.
Without Redis the log is asked twice a second instead, and only what is in no log (somebody types)
goes through a file that the processes of this machine share.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

from chatapi.bus.redis import Line
from chatapi.limits.local_file import LocalFile

logger = logging.getLogger(__name__)

Message = tuple[str, bytes]  # a channel's name and what goes over it

CONTROL = "control"
LOOK = b"look"  # hints may have gone astray
ACCESS = b"access "  # and a subject, `user:1`, `chat:42` or `company:3`


def channel(name: str) -> str:
    """A channel's name in Redis."""
    return f"{settings.REDIS_PREFIX}{name}"


def after_commit(messages: Callable[[], Sequence[Message]]) -> None:
    """Tell of what is in the log, once it is committed; `messages` is called then. Never fails."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: publisher().publish(messages()), robust=True)


def access_changed(subject: str) -> None:
    """Tell, after the commit, that a token, a membership or a chat of `subject` may have ended."""
    after_commit(lambda: [(CONTROL, ACCESS + subject.encode())])


def pass_on(*messages: Message) -> None:
    """Tell now of what is not stored. It may be lost. Never fails."""
    if settings.REDIS_URL:
        publisher().publish(messages, stored=False)
    else:
        try:
            notes().write(messages)
        except sqlite3.Error as error:
            logger.warning("a note could not be passed on: %s", error)


def look() -> None:
    """Have every stream process look at the log: a process died that may not have told of all."""
    if settings.REDIS_URL:
        publisher().publish([(CONTROL, LOOK)])


class Publisher:
    """Publishes over Redis. What could not be told is made good as soon as Redis is back."""

    RETRY = 1.0  # seconds between two attempts at a Redis that is away

    def __init__(self) -> None:
        self.line = Line()
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._making_good = False

    def publish(self, messages: Sequence[Message], stored: bool = True) -> None:
        now = time.monotonic()
        if now >= self._away_until:
            if self._away_until:
                self._away_until = now + self.RETRY  # the others need not try, too
            try:
                self._send(messages)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + self.RETRY
                logger.warning("Redis is away, hints are not published: %s", error)
            else:
                self._away_until = 0.0
                return
        if stored:
            self._make_good()

    def _send(self, messages: Sequence[Message]) -> None:
        self.line.ask(*(("PUBLISH", channel(name), payload) for name, payload in messages))

    def _make_good(self) -> None:
        with self._lock:
            if not self._making_good:
                self._making_good = True
                threading.Thread(target=self._look_when_back, daemon=True).start()

    def _look_when_back(self) -> None:
        while self._making_good:
            time.sleep(self.RETRY)
            self._making_good = False  # what fails from here on needs another look
            try:
                self._send([(CONTROL, LOOK)])
            except redis.RedisError:
                self._making_good = True


@cache
def publisher() -> Publisher:
    return Publisher()


# What a server's master has begun to make good, its workers have not: they have no thread of it.
os.register_at_fork(after_in_child=publisher.cache_clear)


class Notes:
    """The file for what is not stored; a note is gone after KEEP seconds."""

    KEEP = 10.0

    def __init__(self) -> None:
        self._file = LocalFile(
            settings.DATA_DIR / "notes.sqlite3",
            "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " at REAL NOT NULL, channel TEXT NOT NULL, payload BLOB NOT NULL)",
        )

    def write(self, messages: Sequence[Message]) -> None:
        now = time.time()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM notes WHERE at < ?", [now - self.KEEP])
            connection.executemany(
                "INSERT INTO notes (at, channel, payload) VALUES (?, ?, ?)",
                [(now, name, payload) for name, payload in messages],
            )

    def last(self) -> int:
        """The number of the newest note."""
        row = self._file.connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'notes'"
        ).fetchone()
        return int(row[0]) if row else 0

    def after(self, number: int) -> list[tuple[int, str, bytes]]:
        """The notes after `number`: number, channel and payload of each."""
        return self._file.connection.execute(
            "SELECT id, channel, payload FROM notes WHERE id > ? ORDER BY id", [number]
        ).fetchall()


@cache
def notes() -> Notes:
    return Notes()
