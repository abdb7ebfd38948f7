"""Notify streaming processes, over Redis pub/sub, of what was just committed.

A hint may be lost; the log cannot. A process that learns that hints may have been lost resyncs from
the log. The channels are `chat:42`, `company:3`, and `control`, to which every streaming process
subscribes. Without Redis, these processes poll the log twice a second instead, and ephemeral
messages (someone is typing) go through a file that the processes of this machine share.
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

from chatapi.bus.local import Message, local_messages
from chatapi.bus.redis import ThreadConnection

logger = logging.getLogger(__name__)

CONTROL = "control"
RESYNC = b"resync"  # hints may have been lost
ACCESS = b"access "  # followed by a subject: `user:1`, `chat:42` or `company:3`


def channel(name: str) -> str:
    """The name of a channel in Redis."""
    return f"{settings.REDIS_PREFIX}{name}"


def publish_after_commit(messages: Callable[[], Sequence[Message]]) -> None:
    """Publish what the log contains after the commit, when `messages` is called. Never fails."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: publisher().publish(messages()), robust=True)


def publish_access_changed(subject: str) -> None:
    """Publish, after the commit, that access of a user or to a chat or company may have ended."""
    publish_after_commit(lambda: [(CONTROL, ACCESS + subject.encode())])


def publish_now(*messages: Message) -> None:
    """Publish ephemeral messages at once. They may be lost. Never fails."""
    if settings.REDIS_URL:
        publisher().publish(messages, in_log=False)
    else:
        try:
            local_messages().append(messages)
        except sqlite3.Error as error:
            logger.warning("an ephemeral message could not be published: %s", error)


def publish_resync() -> None:
    """Make all streaming processes resync, after a process died that may not have published."""
    if settings.REDIS_URL:
        publisher().publish([(CONTROL, RESYNC)])


class Publisher:
    """Publishes over Redis. If hints are lost, it publishes a resync as soon as Redis is back."""

    RETRY_SECONDS = 1.0  # between two attempts while Redis is down

    def __init__(self) -> None:
        self.connection = ThreadConnection()
        self._down_until = 0.0
        self._lock = threading.Lock()
        self._resync_pending = False

    def publish(self, messages: Sequence[Message], in_log: bool = True) -> None:
        now = time.monotonic()
        if now >= self._down_until:
            if self._down_until:
                self._down_until = now + self.RETRY_SECONDS  # other threads need not try as well
            try:
                self._send(messages)
            except redis.RedisError as error:
                self._down_until = time.monotonic() + self.RETRY_SECONDS
                logger.warning("Redis is down, hints are not published: %s", error)
            else:
                self._down_until = 0.0
                return
        if in_log:
            self._schedule_resync()

    def _send(self, messages: Sequence[Message]) -> None:
        commands = (("PUBLISH", channel(name), payload) for name, payload in messages)
        self.connection.execute(*commands)

    def _schedule_resync(self) -> None:
        with self._lock:
            if not self._resync_pending:
                self._resync_pending = True
                threading.Thread(target=self._resync_when_back, daemon=True).start()

    def _resync_when_back(self) -> None:
        while self._resync_pending:
            time.sleep(self.RETRY_SECONDS)
            self._resync_pending = False  # a hint lost from here on needs another resync
            try:
                self._send([(CONTROL, RESYNC)])
            except redis.RedisError:
                self._resync_pending = True


@cache
def publisher() -> Publisher:
    return Publisher()


# A forked worker has no thread for the resync that its parent has scheduled.
os.register_at_fork(after_in_child=publisher.cache_clear)
