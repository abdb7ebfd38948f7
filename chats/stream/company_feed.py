"""What happens in all chats of companies, for the streams of their members: at least once.

A hint shows a message as it was when the event happened. It may arrive late, after the message was
deleted and after somebody has come who never knew it. So a stream is sent a hint as it is only if
the event happened after the stream was admitted, as far as clocks can tell. Everything else is sent
as the log has it: what a stream catches up on, what it was held back meanwhile, and what it hears
in its first half minute. Each event is read once for all streams that need it.
"""

import asyncio
import logging
import time
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings

from chats.hints import UNSETTLED, Hint, Position
from chats.stream import log_reader
from chats.stream.subscriber import Subscriber

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 20_000  # events that were passed on lately, so that a second look doubles few
COMMIT_SECONDS = timedelta(seconds=2)  # that a change may take until it is committed
MAX_EVENTS_PER_QUERY = 200  # events that are looked up by one query


class Backlog:
    """Events that happen while a stream catches up, to be read from the log after it."""

    def __init__(self, begin: Position) -> None:
        self.start = begin
        self.events: list[tuple[int, Position]] = []  # each with its company
        self.size = 0


class CompanyFeed:
    """Passes hints on as they come. Where some were lost, it reads the log once more, from before
    the time that they were heard last; what was passed on lately is left out."""

    def __init__(self) -> None:
        self._subscribers: defaultdict[int, set[Subscriber]] = defaultdict(set)
        self._catching_up: dict[Subscriber, Backlog] = {}
        self._forwarded: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._synced = Position.at(datetime.now(UTC))
        # Events that must be read from the log, and the streams that want them.
        self._unverified: list[tuple[int, log_reader.ChatSeq, list[Subscriber]]] = []
        self._reading: asyncio.Task[None] | None = None

    # --- What comes in ---

    def receive(self, company_id: int, hint: Hint, *, read_at: float | None = None) -> None:
        """Pass an event on, unless it was before.

        One that was read from the log, at `read_at` of the monotonic clock, may be older than a
        stream.
        """
        key = hint.chat_id, hint.seq
        if key in self._forwarded:
            return
        self._forwarded[key] = None
        if len(self._forwarded) > MAX_REMEMBERED:
            self._forwarded.popitem(last=False)
        frame = hint.company_frame
        unverified = []
        for subscriber in self._subscribers.get(company_id, ()):
            if read_at is not None and hint.created_at < subscriber.since:
                continue
            held = self._catching_up.get(subscriber)
            if held is not None:
                held.events.append((company_id, hint.position))
                held.size += len(frame)
                if held.size > settings.STREAM_BUFFER_BYTES:
                    subscriber.writer.abort()
            elif hint.created_at > subscriber.trusts_hints_after or (
                read_at is not None and read_at > subscriber.admitted_at
            ):
                subscriber.writer.push(frame)
            else:
                unverified.append(subscriber)
        if unverified:
            self._schedule_read(company_id, (hint.chat_id, hint.seq), unverified)

    def _schedule_read(
        self, company_id: int, spot: log_reader.ChatSeq, subscribers: list[Subscriber]
    ) -> None:
        self._unverified.append((company_id, spot, subscribers))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_unverified())

    async def _read_unverified(self) -> None:
        """Send events as the log has them now, in the order in which they were heard."""
        try:
            while self._unverified:
                asked = self._unverified[:MAX_EVENTS_PER_QUERY]
                del self._unverified[:MAX_EVENTS_PER_QUERY]
                spots = {spot for _, spot, _ in asked}
                try:
                    found = await log_reader.retry_until_available(
                        log_reader.LOG_POOL.call, log_reader.events_at, spots
                    )
                except Exception:
                    logger.exception("events can't be read; their streams have to come back")
                    for subscriber in {
                        subscriber for _, _, subscribers in asked for subscriber in subscribers
                    }:
                        subscriber.writer.abort()
                    continue
                for company_id, spot, subscribers in asked:
                    hint = found.get(spot)  # None: its chat has been deleted
                    for subscriber in subscribers:
                        if hint is not None and subscriber in self._subscribers.get(company_id, ()):
                            subscriber.writer.push(hint.company_frame)
        finally:
            self._reading = None

    def forward_ephemeral(self, company_id: int, hint: Hint, key: Hashable) -> None:
        """Hand on what passes and is in no log."""
        for subscriber in self._subscribers.get(company_id, ()):
            subscriber.push_ephemeral(hint, key)

    async def resync(self) -> None:
        """Read what happened since the last look, for hints may have been lost."""
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

    # --- Who listens ---

    def add(
        self, subscriber: Subscriber, company_ids: Iterable[int], after: Position | None
    ) -> None:
        """From now on what happens is kept for the stream, until it is attached."""
        if after is None:
            # From now on; what was under way then may have an earlier time.
            now = datetime.now(UTC)
            subscriber.since = Position.at(now - COMMIT_SECONDS).created_at
            self._catching_up[subscriber] = Backlog(Position.at(now))
        else:
            self._catching_up[subscriber] = Backlog(after.settled)
        self.admit_to(subscriber, company_ids)

    def admit_to(self, subscriber: Subscriber, company_ids: Iterable[int]) -> None:
        """Let a stream read more companies, to which it has just been admitted."""
        subscriber.admitted_at = time.monotonic()
        # Transactions don't end in the order of their events' times, and clocks differ.
        subscriber.trusts_hints_after = Position.at(datetime.now(UTC) + UNSETTLED).created_at
        for company_id in company_ids:
            self._subscribers[company_id].add(subscriber)

    def remove(self, subscriber: Subscriber, company_ids: Iterable[int]) -> list[int]:
        """Returns the companies that nobody listens to any more."""
        if subscriber.writer.closed:
            self._catching_up.pop(subscriber, None)
        unheard = []
        for company_id in company_ids:
            subscribers = self._subscribers[company_id]
            subscribers.discard(subscriber)
            if not subscribers:
                del self._subscribers[company_id]
                unheard.append(company_id)
        return unheard

    async def attach(self, subscriber: Subscriber, welcome: bytes) -> None:
        """Send what happened since the stream's beginning, then what happens."""
        held = self._catching_up[subscriber]
        # The place to come back to, should nothing happen.
        welcome += b"id: %b\n\n" % str(held.start).encode()
        sent: set[Position] = set()
        after = held.start
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
        for company_id, position in held.events:
            if position not in sent:
                self._schedule_read(company_id, (position.chat_id, position.seq), [subscriber])
