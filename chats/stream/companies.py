"""What happens in all chats of companies, for the streams of their members: at least once."""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime

from chats.hints import Hint, Position
from chats.stream import reader
from chats.stream.stream import Stream

REMEMBERED = 20_000  # events that were passed on lately, so that a second look doubles few


class CompanyFeeds:
    """Passes hints on as they come. Where some were lost, it reads the log once more, from before
    the time that they were heard last; what was passed on lately is left out."""

    def __init__(self) -> None:
        self._streams: defaultdict[int, set[Stream]] = defaultdict(set)
        # Streams that are catching up, and what they will be told after it.
        self._held: dict[Stream, list[Hint]] = {}
        self._passed: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._looked = Position.at(datetime.now(UTC))

    @property
    def company_ids(self) -> list[int]:
        return list(self._streams)

    # --- What comes in ---

    def hear(self, company_id: int, hint: Hint, *, late: bool = False) -> None:
        """Pass an event on, unless it was before. A `late` one may be older than a stream is."""
        key = hint.chat_id, hint.seq
        if key in self._passed:
            return
        self._passed[key] = None
        if len(self._passed) > REMEMBERED:
            self._passed.popitem(last=False)
        frame = hint.company_frame
        for stream in self._streams.get(company_id, ()):
            held = self._held.get(stream)
            if late and hint.created_at < stream.since:
                continue
            if held is None:
                stream.outlet.push(frame)
            else:
                held.append(hint)

    def pass_by(self, company_id: int, hint: Hint, key: Hashable) -> None:
        """Hand on what passes and is in no log."""
        for stream in self._streams.get(company_id, ()):
            stream.push_passing(hint, key)

    async def look(self) -> None:
        """Read what happened since the last look, for hints may have been lost."""
        company_ids = self.company_ids
        now = Position.at(datetime.now(UTC))
        after = self._looked.settled
        while company_ids:
            page = await reader.insistently(
                reader.in_thread, reader.company_events, company_ids, after
            )
            for company_id, hint in page:
                self.hear(company_id, hint, late=True)
            if len(page) < reader.PAGE:
                break
            after = page[-1][1].position
        self._looked = now

    # --- Who listens ---

    def add(self, stream: Stream, company_ids: Iterable[int]) -> None:
        for company_id in company_ids:
            self._streams[company_id].add(stream)

    def remove(self, stream: Stream, company_ids: Iterable[int]) -> list[int]:
        """Returns the companies that nobody listens to any more."""
        unheard = []
        for company_id in company_ids:
            streams = self._streams[company_id]
            streams.discard(stream)
            if not streams:
                del self._streams[company_id]
                unheard.append(company_id)
        return unheard

    async def attach(self, stream: Stream, after: Position | None, welcome: bytes) -> None:
        """Send what happened after a position, if any, then what happens. The stream was added."""
        await stream.outlet.write(welcome)
        if after is None:
            return
        held: list[Hint] = []
        self._held[stream] = held
        try:
            sent = await self._catch_up(stream, after)
            for hint in held:
                if hint.position not in sent:
                    stream.outlet.push(hint.company_frame)
        finally:
            del self._held[stream]

    async def _catch_up(self, stream: Stream, after: Position) -> set[Position]:
        """Send what the log has; returns what of it a hint may tell of again."""
        # What is as old as this was told of to the client before it went, or is told of now.
        after, sent = after.settled, set[Position]()
        while not stream.outlet.closed:
            company_ids = stream.grant.company_ids
            page = await reader.insistently(
                reader.in_thread, reader.company_events, company_ids, after
            )
            hints = [hint for _, hint in page]
            await stream.outlet.write(b"".join(hint.company_frame for hint in hints))
            sent = {hint.position for hint in hints}
            if len(page) < reader.PAGE:
                break
            after = hints[-1].position
        return sent
