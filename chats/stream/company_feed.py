"""The events of all chats of companies, for the streams of their members: at least once.

A hint shows a message as it was when the event happened. It may arrive late: after the message was
deleted, and after someone connected who never saw it. So a hint is forwarded unchanged only to
subscribers that were admitted before the event, as far as clocks can tell. All other events are
sent as the log has them now: those a subscriber catches up on, those held back while it does, and
those of its first half minute. Each event is read once for all subscribers that need it.
"""

import asyncio
import logging
import time
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings

from chats.hints import UNSETTLED, Hint, Place, Position
from chats.stream import log_reader
from chats.stream.subscriber import Subscriber

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 20_000  # recently forwarded events, so that a resync repeats few
COMMIT_DELAY = timedelta(seconds=2)  # the longest time from an event to its commit
MAX_EVENTS_PER_QUERY = 200


class Backlog:
    """Events that arrive while a subscriber catches up; they are read from the log afterwards."""

    def __init__(self, start: Position) -> None:
        self.start = start
        self.events: list[tuple[int, Position]] = []  # each with its company id
        self.size = 0


class CompanyFeed:
    """Forwards hints as they arrive.

    When hints may have been lost, it resyncs: it reads the log from some time before the last
    resync and skips the events that it has forwarded recently.
    """

    def __init__(self) -> None:
        self._subscribers: defaultdict[int, set[Subscriber]] = defaultdict(set)
        self._catching_up: dict[Subscriber, Backlog] = {}
        self._forwarded: OrderedDict[Place, None] = OrderedDict()
        self._synced = Position.at(datetime.now(UTC))
        # Events to read from the log, with company id and the subscribers that need them.
        self._unverified: list[tuple[int, Place, list[Subscriber]]] = []
        self._reading: asyncio.Task[None] | None = None

    # --- Incoming ---

    def receive(self, company_id: int, hint: Hint, *, read_at: float | None = None) -> None:
        """Forward an event, unless it has been forwarded recently.

        `read_at` is the monotonic time at which it was read from the log. Such an event may be
        older than a subscriber.
        """
        place = hint.position.place
        if place in self._forwarded:
            return
        self._forwarded[place] = None
        if len(self._forwarded) > MAX_REMEMBERED:
            self._forwarded.popitem(last=False)
        frame = hint.company_frame
        unverified = []
        for subscriber in self._subscribers.get(company_id, ()):
            if read_at is not None and hint.created_at < subscriber.since:
                continue
            backlog = self._catching_up.get(subscriber)
            if backlog is not None:
                backlog.events.append((company_id, hint.position))
                backlog.size += len(frame)
                if backlog.size > settings.STREAM_BUFFER_BYTES:
                    subscriber.writer.abort()
            elif hint.created_at > subscriber.trusts_hints_after or (
                read_at is not None and read_at > subscriber.admitted_at
            ):
                subscriber.writer.push(frame)
            else:
                unverified.append(subscriber)
        if unverified:
            self._schedule_read(company_id, place, unverified)

    def _schedule_read(self, company_id: int, place: Place, subscribers: list[Subscriber]) -> None:
        self._unverified.append((company_id, place, subscribers))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_unverified())

    async def _read_unverified(self) -> None:
        """Send events as the log has them now, in the order in which they arrived."""
        try:
            while self._unverified:
                batch = self._unverified[:MAX_EVENTS_PER_QUERY]
                del self._unverified[:MAX_EVENTS_PER_QUERY]
                places = {place for _, place, _ in batch}
                try:
                    found = await log_reader.retry_until_available(
                        log_reader.LOG_POOL.call, log_reader.events_at, places
                    )
                except Exception:
                    logger.exception("events cannot be read; closing the streams that need them")
                    for subscriber in {
                        subscriber for _, _, subscribers in batch for subscriber in subscribers
                    }:
                        subscriber.writer.abort()
                    continue
                for company_id, place, subscribers in batch:
                    hint = found.get(place)  # None when its chat has been deleted
                    for subscriber in subscribers:
                        if hint is not None and subscriber in self._subscribers.get(company_id, ()):
                            subscriber.writer.push(hint.company_frame)
        finally:
            self._reading = None

    def forward_ephemeral(self, company_id: int, hint: Hint, key: Hashable) -> None:
        """Forward an ephemeral event."""
        for subscriber in self._subscribers.get(company_id, ()):
            subscriber.push_ephemeral(hint, key)

    async def resync(self) -> None:
        """Read the events since the last resync, because hints may have been lost."""
        company_ids = list(self._subscribers)
        now = Position.at(datetime.now(UTC))
        after = self._synced.settled
        while company_ids:
            read_at = time.monotonic()
            page = await log_reader.LOG_POOL.call(log_reader.company_events, company_ids, after)
            for company_id, hint in page:
                self.receive(company_id, hint, read_at=read_at)
            if len(page) < log_reader.PAGE:
                break
            after = page[-1][1].position
        self._synced = now

    # --- Subscribers ---

    def add(
        self, subscriber: Subscriber, company_ids: Iterable[int], after: Position | None
    ) -> None:
        """Add a subscriber. Events are held back for it until it is attached."""
        if after is None:
            # Start now. Transactions in progress may commit events with an earlier time.
            now = datetime.now(UTC)
            subscriber.since = Position.at(now - COMMIT_DELAY).created_at
            self._catching_up[subscriber] = Backlog(Position.at(now))
        else:
            self._catching_up[subscriber] = Backlog(after.settled)
        self.admit_to(subscriber, company_ids)

    def admit_to(self, subscriber: Subscriber, company_ids: Iterable[int]) -> None:
        """Let a subscriber read companies to which it has just been admitted."""
        subscriber.admitted_at = time.monotonic()
        # Transactions do not commit in the order of their events' times, and clocks differ.
        subscriber.trusts_hints_after = Position.at(datetime.now(UTC) + UNSETTLED).created_at
        for company_id in company_ids:
            self._subscribers[company_id].add(subscriber)

    def remove(self, subscriber: Subscriber, company_ids: Iterable[int]) -> list[int]:
        """Remove a subscriber. Returns the companies that have no subscribers left."""
        if subscriber.writer.closed:
            self._catching_up.pop(subscriber, None)
        unused = []
        for company_id in company_ids:
            subscribers = self._subscribers[company_id]
            subscribers.discard(subscriber)
            if not subscribers:
                del self._subscribers[company_id]
                unused.append(company_id)
        return unused

    async def attach(self, subscriber: Subscriber, welcome: bytes) -> None:
        """Send the events since the subscriber's start, then the events held back meanwhile."""
        backlog = self._catching_up[subscriber]
        # The position to reconnect with if no event follows.
        welcome += b"id: %b\n\n" % str(backlog.start).encode()
        sent: set[Position] = set()
        after = backlog.start
        while not subscriber.writer.closed:
            page = await log_reader.retry_until_available(
                log_reader.LOG_POOL.call,
                log_reader.company_events,
                subscriber.grant.company_ids,
                after,
            )
            hints = [hint for _, hint in page]
            frames = b"".join(hint.company_frame for hint in hints)
            await subscriber.writer.write(welcome + frames)
            welcome = b""
            sent = {hint.position for hint in hints}
            if len(page) < log_reader.PAGE:
                break
            after = hints[-1].position
        self._catching_up.pop(subscriber, None)
        for company_id, position in backlog.events:
            if position not in sent:
                self._schedule_read(company_id, position.place, [subscriber])
