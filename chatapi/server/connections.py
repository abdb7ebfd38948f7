"""Limit the connections, unfinished requests and bytes that clients hold in a web process.

Bytes are counted in memory, and apart from that on disk, where large bodies are until their
requests have been handled.

A connection is *waiting* while the server needs its client to act: to send a request, or the rest
of one, or to read a response. Requests in progress, long polls and streams are not waiting, and
nothing here closes them.
"""

import asyncio
import logging
import math
import resource
from collections import Counter
from typing import Protocol

from django.conf import settings

logger = logging.getLogger(__name__)

NEVER = math.inf
SWEEP_SECONDS = 1.0
REPORT_SECONDS = 60.0

# Bytes that all waiting connections, and those of one network, may hold in incomplete bodies and
# unread responses.
MAX_HELD_BYTES = 64 * 1024 * 1024
MAX_HELD_BYTES_OF_NETWORK = 16 * 1024 * 1024


class TrackedConnection(Protocol):
    deadline: float  # when to check it again; `NEVER` while it is not waiting
    since: float  # when it started waiting
    network: str  # the client's network; empty behind a proxy

    def check(self, now: float) -> None:
        """Called after the deadline: close the connection or set another deadline."""

    def evict(self) -> None:
        """Close the connection to make room."""

    def held_bytes(self) -> int: ...


class Connections:
    """All connections of this process.

    A sweep checks them once a second. Timers would slow down every request, whereas a sweep of
    10,000 connections takes half a millisecond.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: set[TrackedConnection] = set()
        self._networks: dict[str, set[TrackedConnection]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._per_network: int = settings.CONNECTIONS_PER_ADDRESS
        # Streams and the database need files too.
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._per_process: int = min(settings.CONNECTIONS_PER_PROCESS, max(files // 2, 1))
        # Bytes of bodies on disk, the oldest first, until their requests have been handled.
        self._on_disk: dict[TrackedConnection, int] = {}
        self._evicted = 0
        self._report_after = 0.0

    def add(self, connection: TrackedConnection) -> None:
        self._open.add(connection)
        if connection.network:
            network = self._networks.setdefault(connection.network, set())
            network.add(connection)
            if len(network) > self._per_network:
                waiting = [each for each in network if each.deadline != NEVER]
                self._evict_oldest(waiting, len(waiting) - self._per_network)
        if self._timer is None:
            self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def remove(self, connection: TrackedConnection) -> None:
        self._open.discard(connection)
        network = self._networks.get(connection.network)
        if network is not None:
            network.discard(connection)
            if not network:
                del self._networks[connection.network]

    def _evict_oldest(self, waiting: list[TrackedConnection], count: int) -> None:
        """Evict the longest waiting: honest clients rarely keep the server waiting for long."""
        if count > 0:
            for connection in sorted(waiting, key=lambda each: each.since)[:count]:
                self._evict(connection)

    def _evict(self, connection: TrackedConnection) -> None:
        self.remove(connection)
        self._evicted += 1
        connection.evict()

    def _sweep(self) -> None:
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep) if self._open else None
        now = self._loop.time()
        waiting = [each for each in self._open if each.deadline != NEVER]
        for connection in waiting:
            if connection.deadline <= now:
                connection.check(now)
        self._evict_oldest(waiting, len(waiting) - self._per_process)
        self._limit_bytes(waiting)
        if self._evicted and now >= self._report_after:
            self._report_after = now + REPORT_SECONDS
            logger.warning(
                "%d connections were closed because their clients had too many, or too many bytes"
                " in them (CONNECTIONS_PER_ADDRESS, CONNECTIONS_PER_PROCESS,"
                " UPLOAD_BYTES_PER_ADDRESS, UPLOAD_BYTES_PER_PROCESS)",
                self._evicted,
            )
            self._evicted = 0

    def _limit_bytes(self, waiting: list[TrackedConnection]) -> None:
        """Evict the oldest connections of a network, or of all, whose bytes exceed the limit."""
        holding = [(each, held) for each in waiting if (held := each.held_bytes())]
        total = sum(held for _, held in holding)
        if total <= MAX_HELD_BYTES_OF_NETWORK:
            return
        of_network: Counter[str] = Counter()
        for connection, held in holding:
            of_network[connection.network] += held
        for connection, held in sorted(holding, key=lambda each: each[0].since):
            network = connection.network
            too_much = network and of_network[network] > MAX_HELD_BYTES_OF_NETWORK
            if too_much or total > MAX_HELD_BYTES:
                of_network[network] -= held
                total -= held
                self._evict(connection)

    def hold_on_disk(self, connection: TrackedConnection, count: int) -> bool:
        """Count `count` more bytes of a body, and evict the oldest unfinished bodies to make room.

        Returns False, and counts nothing, if that was not enough.
        """
        network = connection.network
        held_before = self._on_disk.get(connection, 0)
        total = count + sum(self._on_disk.values())
        of_network = count + sum(
            held for each, held in self._on_disk.items() if each.network == network
        )
        most: int = settings.UPLOAD_BYTES_PER_PROCESS
        most_of_network = settings.UPLOAD_BYTES_PER_ADDRESS if network else math.inf
        for each, held in list(self._on_disk.items()):
            if total <= most and of_network <= most_of_network:
                break
            is_neighbour = each.network == network
            is_handled = each.deadline == NEVER  # the request is complete and in progress
            if each is connection or is_handled or not (is_neighbour or total > most):
                continue
            total -= held
            of_network -= held if is_neighbour else 0
            self.release_disk(each)
            self._evict(each)
        if total > most or of_network > most_of_network:
            return False
        self._on_disk[connection] = held_before + count
        return True

    def release_disk(self, connection: TrackedConnection) -> None:
        self._on_disk.pop(connection, None)
