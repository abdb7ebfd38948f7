"""The hub of this process: all its streams, and what keeps them fed."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache

from django.db import DatabaseError

from chatapi.hints import ACCESS, CONTROL
from chatapi.json import dumps, loads
from chats.hints import Hint, Position, chat_channel, company_channel
from chats.stream import door, reader
from chats.stream.companies import CompanyFeeds
from chats.stream.door import Entry, Knock
from chats.stream.feed import Feed
from chats.stream.listener import NoteListener, RedisListener, listener
from chats.stream.outlet import retry
from chats.stream.presence import Presence
from chats.stream.stream import HEARTBEAT, Stream

logger = logging.getLogger(__name__)

POLL = 0.5  # seconds between two looks at the log while hints are not heard
RENEW = 2.0  # seconds between two looks at all tokens then
LINGER = 5.0  # seconds that the log is asked on when hints are heard again
SWEEP = 300.0  # seconds between two looks at everything, should a hint have died with its machine
RETRY = 1000, 3000  # milliseconds after which a client whose connection broke comes back
BEAT = b":\n\n"
BYE = b"event: bye\ndata: %b\n\n" % dumps(
    {"code": "invalid_token", "message": "The token is good no more."}
)


class Hub:
    """Used from the event loop alone. Without streams it asks the database nothing."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.presence = Presence()
        self._companies = CompanyFeeds()
        self._feeds: dict[int, Feed] = {}
        # First come, first served, a few at a time, so that all don't wait for the last.
        self._knocks = reader.Batch(door.admit, most=100)
        self._heads = reader.Batch(reader.heads, most=1000)
        self._pages = reader.Batch(reader.chat_events, most=25)
        self._listener: RedisListener | NoteListener | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._polls_until = float("inf")  # by the event loop's clock
        self._access_changes = 0
        self._number = 0

    def _start(self) -> None:
        if self._listener is None:
            self._listener = listener(self)
            self._tasks = [
                asyncio.create_task(self._regularly(1.0, self._tick)),
                asyncio.create_task(self._regularly(1.0, self.presence.tick)),
                asyncio.create_task(self._regularly(POLL, self._poll)),
                asyncio.create_task(self._regularly(RENEW, self._renew_unheard)),
                asyncio.create_task(self._regularly(SWEEP, self._look_at_all)),
            ]

    async def _regularly(self, seconds: float, work: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                done = work()
                if asyncio.iscoroutine(done):
                    await done
            except DatabaseError as error:
                logger.warning("the log can't be read, streams go on: %s", error)
            except Exception:
                logger.exception("the streams go on after a fault")

    # --- Streams ---

    async def admit(self, token: str, chat_id: int | None) -> Entry | None:
        """What a token may read; None when it may nothing. DatabaseError when nobody can tell."""
        self._start()
        self._number += 1
        changes = self._access_changes
        entry = await self._knocks.get(Knock(token, chat_id, self._number))
        while entry is not None and changes != self._access_changes:
            # Somebody's access has changed meanwhile, maybe this one's.
            changes = self._access_changes
            grant = (await reader.in_thread(door.renew, [entry.grant])).get(entry.grant)
            entry = entry._replace(grant=grant) if grant else None
        return entry

    async def run(self, stream: Stream, after: Position | None) -> None:
        """Send what has happened since, and have what happens sent until `close`."""
        self.streams.add(stream)
        welcome = retry(*RETRY)
        grant = stream.grant
        if grant.chat_id is None:
            stream.since = "" if after else Position.at(datetime.now(UTC)).created_at
            await self._join_companies(stream, grant.company_ids)
            await self._companies.attach(stream, after, welcome)
            return
        feed = await self._open_feed(grant.chat_id)
        await feed.attach(stream, welcome)
        if stream in self.streams and grant.chat_user_id is not None:
            self.presence.enter(stream)

    def close(self, stream: Stream) -> None:
        """The reader has gone, or was sent away."""
        self.streams.discard(stream)
        stream.outlet.close()
        grant = stream.grant
        if grant.chat_id is None:
            self._leave_companies(stream, grant.company_ids)
            return
        self.presence.leave(stream)
        feed = self._feeds.get(grant.chat_id)
        if feed is not None:
            feed.streams.discard(stream)
            self._close_feed(feed)

    async def _join_companies(self, stream: Stream, company_ids: Iterable[int]) -> None:
        assert self._listener is not None
        self._companies.add(stream, company_ids)
        await self._listener.join(map(company_channel, company_ids))

    def _leave_companies(self, stream: Stream, company_ids: Iterable[int]) -> None:
        assert self._listener is not None
        for company_id in self._companies.remove(stream, company_ids):
            self._listener.leave(company_channel(company_id))

    async def _open_feed(self, chat_id: int) -> Feed:
        """The chat's feed, to be given back by `_close_feed`."""
        feed = self._feeds.get(chat_id)
        if feed is None:
            feed = self._feeds[chat_id] = Feed(chat_id, self._pages, self._heads)
            feed.opening = asyncio.create_task(self._begin(feed))
        feed.users += 1
        if feed.opening is not None:
            await asyncio.shield(feed.opening)
        return feed

    async def _begin(self, feed: Feed) -> None:
        assert self._listener is not None
        await self._listener.join([chat_channel(feed.chat_id)])
        head: int | None = await reader.insistently(self._heads.get, feed.chat_id)
        feed.begin(head or 0)

    def _close_feed(self, feed: Feed) -> None:
        feed.users -= 1
        if not feed.users:
            del self._feeds[feed.chat_id]
            assert self._listener is not None
            self._listener.leave(chat_channel(feed.chat_id))

    async def wait(self, chat_id: int, seq: int) -> None:
        """Return when a chat's log has gone past `seq`, or the access to it has changed."""
        self._start()
        feed = await self._open_feed(chat_id)
        try:
            await feed.wait(seq)
        finally:
            self._close_feed(feed)

    # --- What is heard ---

    def heard(self, channel: str, payload: bytes) -> None:
        if channel == CONTROL:
            self._told(payload)
            return
        hint = Hint.unpack(payload)
        kind, _, number = channel.partition(":")
        if kind == "chat":
            feed = self._feeds.get(hint.chat_id)
            if feed is None:
                return
            if hint.seq:
                feed.hear(hint)
            else:
                feed.pass_by(hint, passing_key(hint))
        elif hint.seq:
            self._companies.hear(int(number), hint)
        else:
            self._companies.pass_by(int(number), hint, passing_key(hint))

    def _told(self, payload: bytes) -> None:
        if payload.startswith(ACCESS):
            self._access_changes += 1
            subject = payload.removeprefix(ACCESS).decode()
            concerned = [stream for stream in self.streams if stream.grant.concerns(subject)]
            self._soon(self._renew(concerned))
            self._wake(subject)
        else:
            self._access_changes += 1
            self._soon(self._look_at_all())

    def _wake(self, subject: str) -> None:
        """Let long polls ask again whose access may have changed."""
        kind, _, number = subject.partition(":")
        if kind == "chat":
            feed = self._feeds.get(int(number))
            if feed is not None:
                feed.wake()
        else:
            for feed in self._feeds.values():
                feed.wake()

    def deaf(self) -> None:
        self._polls_until = float("inf")

    def hearing(self) -> None:
        # Those who publish may take a moment longer to find that Redis is back.
        self._polls_until = asyncio.get_running_loop().time() + LINGER
        self.presence.tell_again()

    def _soon(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)

    # --- What is asked for ---

    @property
    def _polls(self) -> bool:
        return asyncio.get_running_loop().time() < self._polls_until

    async def _poll(self) -> None:
        if self._polls:
            await self._look()

    async def _renew_unheard(self) -> None:
        if self._polls:
            await self._renew(self.streams)

    async def _look_at_all(self) -> None:
        await self._look()
        await self._renew(self.streams)

    async def _look(self) -> None:
        """Have every feed know how far its log has come."""
        if self._feeds:
            asked = list(self._feeds)
            heads = await reader.in_thread(reader.heads, asked)
            for chat_id in asked:
                feed = self._feeds.get(chat_id)
                if feed is None:
                    continue
                if chat_id in heads:
                    feed.learn(heads[chat_id])
                else:
                    feed.wake()  # it is gone
        await self._companies.look()

    async def _renew(self, streams: Iterable[Stream]) -> None:
        """Send away who may read no more, and give the others what they may read now."""
        asked = list(streams)
        if not asked:
            return
        grants = await reader.insistently(
            reader.in_thread, door.renew, {stream.grant for stream in asked}
        )
        for stream in asked:
            if stream not in self.streams:
                continue
            grant = grants.get(stream.grant)
            if grant is None:
                stream.outlet.end(BYE)
            elif grant != stream.grant:
                before, stream.grant = set(stream.grant.company_ids), grant
                if grant.chat_id is None:
                    now = set(grant.company_ids)
                    self._leave_companies(stream, before - now)
                    await self._join_companies(stream, now - before)

    def _tick(self) -> None:
        """Every second: a heartbeat to some of the streams, and an end to those that expired."""
        now, turn = time.time(), int(time.monotonic()) % HEARTBEAT
        for stream in list(self.streams):
            if stream.grant.expires_at <= now:
                stream.outlet.end(BYE)
            elif stream.turn == turn:
                stream.outlet.push(BEAT)


def passing_key(hint: Hint) -> tuple[int, str, int | None]:
    """What passes replaces what the same one did before in the same chat."""
    event = loads(hint.body.partition(b"\ndata: ")[2])
    return hint.chat_id, event["type"], event["data"].get("chat_user_id")


@cache
def hub() -> Hub:
    """The one of this process."""
    return Hub()
