"""Notify streaming processes of what was just committed. Nothing here fails its caller.

A hint may be lost; the log cannot. A process that learns that hints may have been lost resyncs from
the log. Messages go over Redis pub/sub. Without Redis they stay in this process, and the streams
also poll the log twice a second for what other processes (workers and commands) write.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

from chatapi.bus.connection import connection
from chatapi.bus.memory import memory_bus
from chatapi.bus.messages import ACCESS, CONTROL, RESYNC, Message, redis_channel

logger = logging.getLogger(__name__)


def after_commit(messages: Callable[[], Sequence[Message]]) -> None:
    """Publish what the log contains after the commit, when `messages` is called."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: redis_publisher().publish(messages()), robust=True)
    elif memory_bus().has_receivers:
        transaction.on_commit(lambda: memory_bus().publish(messages()), robust=True)


def access_changed(subject: str) -> None:
    """Publish, after the commit, that access of a user or to a chat or company may have ended."""
    after_commit(lambda: [(CONTROL, ACCESS + subject.encode())])


def ephemeral(*messages: Message) -> None:
    """Publish what is in no log, at once. It may be lost."""
    if settings.REDIS_URL:
        redis_publisher().publish(messages, in_log=False)
    else:
        memory_bus().publish(messages)


def resync() -> None:
    """Make all streaming processes resync, after a process died that may not have published."""
    if settings.REDIS_URL:
        redis_publisher().publish([(CONTROL, RESYNC)])


class RedisPublisher:
    """Publishes over Redis. If hints are lost, it publishes a resync as soon as Redis is back."""

    RETRY_SECONDS = 1.0  # between two attempts while Redis is down

    def __init__(self) -> None:
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
        connection().execute(
            *(("PUBLISH", redis_channel(name), payload) for name, payload in messages)
        )

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
def redis_publisher() -> RedisPublisher:
    return RedisPublisher()


# A forked worker has no thread for the resync that its parent has scheduled.
os.register_at_fork(after_in_child=redis_publisher.cache_clear)
