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
from chats.stream import reader
from chats.stream.stream import Stream

logger = logging.getLogger(__name__)

REMEMBERED = 20_000  # events that were passed on lately, so that a second look doubles few
LATE = timedelta(seconds=2)  # that a change may take until it is committed
READ_AT_ONCE = 200  # events that are looked up by one query


class Held:
    """Events that happen while a stream catches up, to be read from the log after it."""

    def __init__(self, begin: Position) -> None:
        self.begin = begin
        self.events: list[tuple[int, Position]] = []  # each with its company
        self.size = 0


class CompanyFeeds:
    """Passes hints on as they come. Where some were lost, it reads the log once more, from before
    the time that they were heard last; what was passed on lately is left out."""

    def __init__(self) -> None:
        self._streams: defaultdict[int, set[Stream]] = defaultdict(set)
        self._catching_up: dict[Stream, Held] = {}
        self._passed: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._looked = Position.at(datetime.now(UTC))
        # Events that must be read from the log, and the streams that want them.
        self._doubtful: list[tuple[int, reader.Spot, list[Stream]]] = []
        self._reading: asyncio.Task[None] | None = None

    # --- What comes in ---

    def hear(self, company_id: int, hint: Hint, *, read_at: float | None = None) -> None:
        """Pass an event on, unless it was before.

        One that was read from the log, at `read_at` of the monotonic clock, may be older than a
        stream.
        """
        key = hint.chat_id, hint.seq
        if key in self._passed:
            return
        self._passed[key] = None
        if len(self._passed) > REMEMBERED:
            self._passed.popitem(last=False)
        frame = hint.company_frame
        doubtful = []
        for stream in self._streams.get(company_id, ()):
            if read_at is not None and hint.created_at < stream.since:
                continue
            held = self._catching_up.get(stream)
            if held is not None:
                held.events.append((company_id, hint.position))
                held.size += len(frame)
                if held.size > settings.STREAM_BUFFER_BYTES:
                    stream.outlet.cut()
            elif hint.created_at > stream.believes_after or (
                read_at is not None and read_at > stream.admitted_at
            ):
                stream.outlet.push(frame)
            else:
                doubtful.append(stream)
        if doubtful:
            self._read_soon(company_id, (hint.chat_id, hint.seq), doubtful)

    def _read_soon(self, company_id: int, spot: reader.Spot, streams: list[Stream]) -> None:
        self._doubtful.append((company_id, spot, streams))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_doubtful())

    async def _read_doubtful(self) -> None:
        """Send events as the log has them now, in the order in which they were heard."""
        try:
            while self._doubtful:
                asked = self._doubtful[:READ_AT_ONCE]
                del self._doubtful[:READ_AT_ONCE]
                spots = {spot for _, spot, _ in asked}
                try:
                    found = await reader.insistently(reader.LOG.call, reader.events_at, spots)
                except Exception:
                    logger.exception("events can't be read; their streams have to come back")
                    for stream in {stream for _, _, streams in asked for stream in streams}:
                        stream.outlet.cut()
                    continue
                for company_id, spot, streams in asked:
                    hint = found.get(spot)  # None: its chat has been deleted
                    for stream in streams:
                        if hint is not None and stream in self._streams.get(company_id, ()):
                            stream.outlet.push(hint.company_frame)
        finally:
            self._reading = None

    def pass_by(self, company_id: int, hint: Hint, key: Hashable) -> None:
        """Hand on what passes and is in no log."""
        for stream in self._streams.get(company_id, ()):
            stream.push_passing(hint, key)

    async def look(self) -> None:
        """Read what happened since the last look, for hints may have been lost."""
        company_ids = list(self._streams)
        now = Position.at(datetime.now(UTC))
        after = self._looked.settled
        while company_ids:
            read_at = time.monotonic()
            page = await reader.LOG.call(reader.company_events, company_ids, after)
            for company_id, hint in page:
                self.hear(company_id, hint, read_at=read_at)
            if len(page) < reader.PAGE:
                break
            after = page[-1][1].position
        self._looked = now

    # --- Who listens ---

    def add(self, stream: Stream, company_ids: Iterable[int], after: Position | None) -> None:
        """From now on what happens is kept for the stream, until it is attached."""
        if after is None:
            # From now on; what was under way then may have an earlier time.
            now = datetime.now(UTC)
            stream.since = Position.at(now - LATE).created_at
            self._catching_up[stream] = Held(Position.at(now))
        else:
            self._catching_up[stream] = Held(after.settled)
        self.move(stream, company_ids)

    def move(self, stream: Stream, company_ids: Iterable[int]) -> None:
        """Let a stream read more companies, to which it has just been admitted."""
        stream.admitted_at = time.monotonic()
        # Transactions don't end in the order of their events' times, and clocks differ.
        stream.believes_after = Position.at(datetime.now(UTC) + UNSETTLED).created_at
        for company_id in company_ids:
            self._streams[company_id].add(stream)

    def remove(self, stream: Stream, company_ids: Iterable[int]) -> list[int]:
        """Returns the companies that nobody listens to any more."""
        if stream.outlet.closed:
            self._catching_up.pop(stream, None)
        unheard = []
        for company_id in company_ids:
            streams = self._streams[company_id]
            streams.discard(stream)
            if not streams:
                del self._streams[company_id]
                unheard.append(company_id)
        return unheard

    async def attach(self, stream: Stream, welcome: bytes) -> None:
        """Send what happened since the stream's beginning, then what happens."""
        held = self._catching_up[stream]
        # The place to come back to, should nothing happen.
        welcome += b"id: %b\n\n" % str(held.begin).encode()
        sent: set[Position] = set()
        after = held.begin
        while not stream.outlet.closed:
            page = await reader.insistently(
                reader.LOG.call, reader.company_events, stream.grant.company_ids, after
            )
            hints = [hint for _, hint in page]
            frames = b"".join(hint.company_frame for hint in hints)
            await stream.outlet.write(welcome + frames)
            welcome = b""
            sent = {hint.position for hint in hints}
            if len(page) < reader.PAGE:
                break
            after = hints[-1].position
        self._catching_up.pop(stream, None)
        for company_id, position in held.events:
            if position not in sent:
                self._read_soon(company_id, (position.chat_id, position.seq), [stream])
