"""What happens in all chats of companies, for the streams of their members: at least once."""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings

from chats.hints import Hint, Position
from chats.stream import reader
from chats.stream.stream import Stream

REMEMBERED = 20_000  # events that were passed on lately, so that a second look doubles few
LATE = timedelta(seconds=2)  # that a change may take until it is committed


class Held:
    """What happens while a stream catches up, to be told after it."""

    def __init__(self, begin: Position) -> None:
        self.begin = begin
        self.hints: list[Hint] = []
        self.size = 0


class CompanyFeeds:
    """Passes hints on as they come. Where some were lost, it reads the log once more, from before
    the time that they were heard last; what was passed on lately is left out."""

    def __init__(self) -> None:
        self._streams: defaultdict[int, set[Stream]] = defaultdict(set)
        self._catching_up: dict[Stream, Held] = {}
        self._passed: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._looked = Position.at(datetime.now(UTC))

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
            if late and hint.created_at < stream.since:
                continue
            held = self._catching_up.get(stream)
            if held is None:
                stream.outlet.push(frame)
                continue
            held.hints.append(hint)
            held.size += len(frame)
            if held.size > settings.STREAM_BUFFER_BYTES:
                stream.outlet.cut()

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
            page = await reader.LOG.call(reader.company_events, company_ids, after)
            for company_id, hint in page:
                self.hear(company_id, hint, late=True)
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
        """Let a stream read more companies."""
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
        for hint in held.hints:
            if hint.position not in sent:
                stream.outlet.push(hint.company_frame)
        self._catching_up.pop(stream, None)
