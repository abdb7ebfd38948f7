"""The hub of this process: all its streams, and what keeps them fed."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import cache
from typing import Any

from django.db import Error

from chatapi.api.encoding import dumps, loads
from chatapi.bus.hints import ACCESS, CONTROL
from chats.hints import Hint, Position, chat_channel, company_channel
from chats.stream import door, reader
from chats.stream.companies import CompanyFeeds
from chats.stream.door import Entry, Grant, Knock
from chats.stream.feed import Feed, Frames
from chats.stream.listener import NoteListener, RedisListener, listener
from chats.stream.outlet import retry
from chats.stream.presence import Presence
from chats.stream.registry import Present
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
        self._knocks = reader.Batch(reader.DOOR, door.admit, most=100)
        self._renewals = reader.Batch(reader.DOOR, renew, most=1000)
        self._uses = reader.Batch(reader.ASIDE, door.note_uses, most=1000)
        self._heads = reader.Batch(reader.LOG, reader.heads, most=1000)
        self._pages = reader.Batch(reader.LOG, reader.chat_events, most=20)
        self._number = 0  # of who knocked last
        self._changes = 0  # of access, that were heard of
        self._changed: deque[str | None] = deque(maxlen=256)  # whose; None may be anybody's
        self._to_renew: set[Stream] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._listener: RedisListener | NoteListener | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._polls_until = float("inf")  # by the event loop's clock

    def _start(self) -> None:
        if self._listener is None:
            for threads in (reader.LOG, reader.DOOR, reader.ASIDE):
                threads.start()
            self._listener = listener(self)
            self._soon(self._regularly(1.0, self._tick))
            self._soon(self._regularly(1.0, self.presence.tick))
            self._soon(self._regularly(POLL, self._poll))
            self._soon(self._regularly(RENEW, self._renew_unheard))
            self._soon(self._regularly(SWEEP, self._look_at_all))

    def _soon(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _regularly(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Error as error:
                logger.warning("the log can't be read, streams go on: %s", error)
            except Exception:
                logger.exception("the streams go on after a fault")

    # --- Streams ---

    async def admit(self, token: str, chat_id: int | None) -> tuple[Entry | None, int]:
        """What a token may read, None when it may nothing; and how many changes of access had been
        heard of when it was asked. `django.db.Error` when nobody can tell."""
        self._start()
        self._number += 1
        changes = self._changes
        return await self._knocks.get(Knock(token, chat_id, self._number)), changes

    def open(self, stream: Stream, changes: int) -> None:
        """Count a stream in that was admitted after so many changes of access."""
        self.streams.add(stream)
        if self._changed_since(changes, stream.grant):
            self._renew_soon([stream])

    async def run(self, stream: Stream, after: Position | None) -> None:
        """Send what has happened since, and have what happens sent until `close`."""
        assert self._listener is not None
        welcome = retry(*RETRY)
        grant = stream.grant
        if grant.chat_id is None:
            self._companies.add(stream, grant.company_ids, after)
            await self._listener.join(map(company_channel, grant.company_ids))
            await self._companies.attach(stream, welcome)
            if stream.watched:
                found = await reader.insistently(
                    reader.DOOR.call, door.presents, grant, stream.watched
                )
                if not stream.outlet.closed:
                    self.presence.enter(stream, *found)
            return
        stream.feed = feed = self._need_feed(grant.chat_id)
        if feed.opening is not None:
            await asyncio.shield(feed.opening)
        await feed.attach(stream, welcome)
        if grant.chat_user_id is not None and not stream.outlet.closed:
            present = Present(grant.company_ids[0], grant.chat_id, grant.chat_user_id)
            self.presence.enter(stream, [present], (grant.chat_id,))

    def close(self, stream: Stream) -> None:
        """The reader has gone, or was sent away."""
        self.streams.discard(stream)
        stream.outlet.close()
        self.presence.leave(stream)
        if stream.feed is not None:
            stream.feed.streams.discard(stream)
            self._leave_feed(stream.feed)
            stream.feed = None
        if stream.grant.chat_id is None:
            self._leave_companies(stream, stream.grant.company_ids)

    async def grant(self, token: str, chat_id: int) -> Grant | None:
        """What a token may read, for one who waits and has been counted."""
        self._start()
        entry = await self._knocks.get(Knock(token, chat_id, 0))
        return entry and entry.grant

    async def still_good(self, grant: Grant) -> bool:
        """Whether it may still be read by; those who ask at once are answered by one query."""
        return await self._renewals.get(grant) is not None

    async def wait(self, chat_id: int, seq: int) -> Frames | None:
        """Return when a chat's log has gone past `seq`, or the chat is gone.

        The events after it, if they are at hand; None when the log has to be asked.
        """
        self._start()
        feed = self._need_feed(chat_id)
        try:
            if feed.opening is not None:
                await asyncio.shield(feed.opening)
            return await feed.wait(seq)
        finally:
            self._leave_feed(feed)

    def _leave_companies(self, stream: Stream, company_ids: Iterable[int]) -> None:
        for company_id in self._companies.remove(stream, company_ids):
            assert self._listener is not None
            self._listener.leave(company_channel(company_id))

    async def _join_companies(self, company_ids: Iterable[int]) -> None:
        assert self._listener is not None
        await self._listener.join(map(company_channel, company_ids))
        await self._companies.look()

    def _need_feed(self, chat_id: int) -> Feed:
        """The chat's feed, which may be opening yet; to be given back by `_leave_feed`."""
        feed = self._feeds.get(chat_id)
        if feed is None:
            feed = self._feeds[chat_id] = Feed(chat_id, self._pages, self._heads)
            feed.opening = self._soon(self._begin(feed))
        feed.needed_by += 1
        return feed

    def _leave_feed(self, feed: Feed) -> None:
        feed.needed_by -= 1
        if not feed.needed_by:
            self._drop_feed(feed)

    def _drop_feed(self, feed: Feed) -> None:
        if self._feeds.get(feed.chat_id) is feed:
            del self._feeds[feed.chat_id]
            assert self._listener is not None
            self._listener.leave(chat_channel(feed.chat_id))

    async def _begin(self, feed: Feed) -> None:
        if not feed.needed_by:
            return  # it was dropped before this could begin
        assert self._listener is not None
        try:
            await self._listener.join([chat_channel(feed.chat_id)])
            head: int | None = await reader.insistently(self._heads.get, feed.chat_id)
        except BaseException:
            self._drop_feed(feed)  # who comes next tries anew
            raise
        feed.begin(head or 0)

    # --- What is heard ---

    def heard(self, channel: str, payload: bytes) -> None:
        if channel == CONTROL:
            self._told(payload)
            return
        hint = Hint.unpack(payload)
        kind, _, number = channel.partition(":")
        if kind == "chat":
            feed = self._feeds.get(hint.chat_id)
            if feed is not None:
                feed.hear(hint) if hint.seq else feed.pass_by(hint, passing_key(hint))
        elif hint.seq:
            self._companies.hear(int(number), hint)
        else:
            self._companies.pass_by(int(number), hint, passing_key(hint))

    def _told(self, payload: bytes) -> None:
        self._changes += 1
        if payload.startswith(ACCESS):
            subject = payload.removeprefix(ACCESS).decode()
            self._changed.append(subject)
            self._renew_soon(s for s in self.streams if s.grant.concerns(subject))
        else:
            self._changed.append(None)
            self._soon(self._look_insistently())

    def _changed_since(self, changes: int, grant: Grant) -> bool:
        missed = self._changes - changes
        if missed > len(self._changed):
            return True
        latest = list(self._changed)[len(self._changed) - missed :]
        return any(subject is None or grant.concerns(subject) for subject in latest)

    def deaf(self) -> None:
        if self._polls_until != float("inf"):
            self._polls_until = float("inf")
            self._soon(self._look_insistently())

    def hearing(self) -> None:
        # Those who publish may take a moment longer to find that Redis is back.
        self._polls_until = asyncio.get_running_loop().time() + LINGER
        self.presence.tell_again()

    # --- What is asked for ---

    async def _poll(self) -> None:
        if asyncio.get_running_loop().time() < self._polls_until:
            await self._look()

    async def _renew_unheard(self) -> None:
        if asyncio.get_running_loop().time() < self._polls_until:
            self._renew_soon(self.streams)

    async def _look_at_all(self) -> None:
        self._renew_soon(self.streams)
        await self._look()

    async def _look_insistently(self) -> None:
        await reader.insistently(self._look_at_all)

    async def _look(self) -> None:
        """Have every feed know how far its log has come."""
        asked = list(self._feeds)
        if asked:
            heads = await reader.LOG.call(reader.heads, asked)
            for chat_id in asked:
                feed = self._feeds.get(chat_id)
                if feed is None:
                    continue
                if chat_id in heads:
                    feed.learn(heads[chat_id])
                else:
                    feed.wake()
        await self._companies.look()

    def _renew_soon(self, streams: Iterable[Stream]) -> None:
        """Have asked what these may read now; one asking at a time."""
        self._to_renew.update(streams)
        if self._to_renew and self._renewing is None:
            self._renewing = self._soon(self._renew())

    async def _renew(self) -> None:
        try:
            while self._to_renew:
                asked, self._to_renew = list(self._to_renew & self.streams), set()
                grants = {stream.grant for stream in asked}
                if grants:
                    found = await reader.insistently(reader.DOOR.call, door.renew, grants)
                    for stream in asked:
                        if stream in self.streams:
                            self._renewed(stream, found.get(stream.grant))
        finally:
            self._renewing = None

    def _renewed(self, stream: Stream, grant: Grant | None) -> None:
        """Send away who may read no more, and let the others read what they may now."""
        if grant is None:
            stream.outlet.end(BYE)
            return
        before, now = set(stream.grant.company_ids), set(grant.company_ids)
        stream.grant = grant
        if grant.chat_id is None and before != now:
            self._companies.move(stream, now - before)
            self._leave_companies(stream, before - now)
            self._soon(self._join_companies(now - before))

    async def _tick(self) -> None:
        """Every second: a heartbeat to some of the streams, and an end to those that expired."""
        now, turn = time.time(), int(time.monotonic()) % HEARTBEAT
        for stream in list(self.streams):
            if stream.grant.expires_at <= now:
                stream.outlet.end(BYE)
            elif stream.turn == turn:
                stream.outlet.push(BEAT)

    def note_use(self, entry: Entry) -> None:
        """Keep when a token was last used."""
        if entry.unnoted:
            self._soon(self._note_use(entry.grant.limit_key))

    async def _note_use(self, limit_key: str) -> None:
        try:
            await self._uses.get(limit_key)
        except Error as error:
            logger.warning("a token's last use can't be kept: %s", error)


def renew(grants: list[Grant]) -> dict[Grant, Grant]:
    return door.renew(grants)


def passing_key(hint: Hint) -> tuple[int, str, int | None]:
    """What passes replaces what the same one did before in the same chat."""
    event = loads(hint.body.partition(b"\ndata: ")[2])
    return hint.chat_id, event["type"], event["data"].get("chat_user_id")


@cache
def hub() -> Hub:
    """The one of this process."""
    return Hub()
