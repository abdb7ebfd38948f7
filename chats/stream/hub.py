"""The hub of this process: its open streams, and the feeds that serve them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import cache
from typing import Any

from django.db import Error

from chatapi.api.encoding import dumps, loads
from chatapi.bus.listener import Listener, listen
from chatapi.bus.messages import ACCESS, CONTROL
from chats.access.grants import Grant
from chats.hints import Hint, LogPosition, Position, channels, company_channel
from chats.models.events import Audience
from chats.stream import admission, log_reader
from chats.stream.admission import Admission, AdmissionRequest
from chats.stream.chat_feed import ChatFeed, Frames
from chats.stream.company_feed import CompanyFeed
from chats.stream.presence import Presence
from chats.stream.presence_registry import ConnectedUser
from chats.stream.renewal import Renewal
from chats.stream.subscriber import HEARTBEAT, Subscriber
from chats.stream.writer import retry_field

logger = logging.getLogger(__name__)

# Without hints, the hub polls the log and renews all grants at these intervals.
POLL_SECONDS = 0.5
RENEW_SECONDS = 2.0
LINGER_SECONDS = 5.0  # polling goes on for this long after hints are back
SWEEP_SECONDS = 300.0  # a full resync, in case a hint was lost with its machine
RETRY_MILLISECONDS = 1000, 3000  # a client reconnects after a delay in this range
HEARTBEAT_COMMENT = b":\n\n"
BYE = b"event: bye\ndata: %b\n\n" % dumps(
    {"code": "invalid_token", "message": "This token is no longer valid."}
)


class Hub:
    """Used only from the event loop. Without streams it makes no queries."""

    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self.presence = Presence()
        self._company_feed = CompanyFeed()
        self._feeds: dict[tuple[int, Audience], ChatFeed] = {}
        # Small batches, first come first served, so that nobody waits for the last request.
        self._admissions = log_reader.Batcher(
            log_reader.ADMISSION_POOL, admission.admit, max_size=100
        )
        self._renewals = log_reader.Batcher(log_reader.ADMISSION_POOL, renew, max_size=1000)
        self._uses = log_reader.Batcher(
            log_reader.BACKGROUND_POOL, admission.record_uses, max_size=1000
        )
        self._heads = log_reader.Batcher(log_reader.LOG_POOL, log_reader.heads, max_size=1000)
        self._pages = log_reader.Batcher(log_reader.LOG_POOL, log_reader.chat_events, max_size=20)
        # Each of these takes queries of its own, and must not hold up the others.
        self._member_pages = log_reader.Batcher(
            log_reader.LOG_POOL, log_reader.member_events, max_size=5
        )
        self._request_number = 0  # of the latest admission request
        self.renewal = Renewal(self.subscribers, self._apply_renewal, self._spawn)
        self._listener: Listener | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._polls_until = float("inf")  # a time of the event loop

    def _start(self) -> None:
        if self._listener is None:
            for pool in (
                log_reader.LOG_POOL,
                log_reader.ADMISSION_POOL,
                log_reader.BACKGROUND_POOL,
            ):
                pool.start()
            self._listener = listen(self)
            self._spawn(self._run_every(1.0, self._tick))
            self._spawn(self._run_every(1.0, self.presence.tick))
            self._spawn(self._run_every(POLL_SECONDS, self._poll))
            self._spawn(self._run_every(RENEW_SECONDS, self._renew_while_disconnected))
            self._spawn(self._run_every(SWEEP_SECONDS, self._renew_and_resync))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Error as error:
                logger.warning("the log cannot be read, streams continue: %s", error)
            except Exception:
                logger.exception("a background job failed, streams continue")

    # --- Streams ---

    async def admit(self, token: str, chat_id: int | None) -> tuple[Admission | None, int]:
        """Check a token. Returns its admission, or None when it is refused, and the number of
        access changes seen before the check, for `add`.

        Raises django.db.Error when the database does not answer.
        """
        self._start()
        self._request_number += 1
        change_count = self.renewal.change_count
        request = AdmissionRequest(token, chat_id, self._request_number)
        return await self._admissions.get(request), change_count

    def add(self, subscriber: Subscriber, change_count: int) -> None:
        """Add a subscriber whose admission was checked after `change_count` access changes."""
        self.subscribers.add(subscriber)
        if self.renewal.changed_since(change_count, subscriber.grant):
            self.renewal.schedule([subscriber])

    async def run(self, subscriber: Subscriber, after: Position | None) -> None:
        """Send the events so far, then attach the subscriber to live events until `remove`."""
        assert self._listener is not None
        welcome = retry_field(*RETRY_MILLISECONDS)
        grant = subscriber.grant
        if grant.chat_id is None:
            self._company_feed.add(subscriber, grant.company_ids, after)
            await self._listener.subscribe(map(company_channel, grant.company_ids))
            await self._company_feed.attach(subscriber, welcome)
            if subscriber.watched_chats:
                own_users, readable_chats = await log_reader.retry_until_available(
                    log_reader.ADMISSION_POOL.call,
                    admission.own_chat_users,
                    grant,
                    subscriber.watched_chats,
                )
                if not subscriber.writer.closed:
                    self.presence.add(subscriber, own_users, readable_chats)
            return
        subscriber.feed = feed = self._acquire_feed(grant.chat_id, grant.audience)
        if feed.opening is not None:
            await asyncio.shield(feed.opening)
        await feed.attach(subscriber, welcome)
        if grant.chat_user_id is not None and not subscriber.writer.closed:
            user = ConnectedUser(grant.company_ids[0], grant.chat_id, grant.chat_user_id)
            self.presence.add(subscriber, [user], (grant.chat_id,))

    def remove(self, subscriber: Subscriber) -> None:
        """Remove a subscriber whose client has disconnected or whose stream has ended."""
        self.subscribers.discard(subscriber)
        subscriber.writer.close()
        self.presence.remove(subscriber)
        if subscriber.feed is not None:
            subscriber.feed.subscribers.discard(subscriber)
            self._release_feed(subscriber.feed)
            subscriber.feed = None
        if subscriber.grant.chat_id is None:
            self._unsubscribe_from_companies(subscriber, subscriber.grant.company_ids)

    async def grant_for(self, token: str, chat_id: int) -> Grant | None:
        """The grant of a long poll's token. The view has counted the request already."""
        self._start()
        admission = await self._admissions.get(AdmissionRequest(token, chat_id, 0))
        return admission and admission.grant

    async def is_still_valid(self, grant: Grant) -> bool:
        """Return whether a grant is still valid. One query answers all concurrent callers."""
        return await self._renewals.get(grant) is not None

    async def wait(self, chat_id: int, number: int, audience: Audience) -> Frames | None:
        """Wait until a chat has an event after `number`, or has been deleted.

        Returns the events after it, or None when the caller must read them from the log.
        """
        self._start()
        feed = self._acquire_feed(chat_id, audience)
        try:
            if feed.opening is not None:
                await asyncio.shield(feed.opening)
            return await feed.wait(number)
        finally:
            self._release_feed(feed)

    def _unsubscribe_from_companies(
        self, subscriber: Subscriber, company_ids: Iterable[int]
    ) -> None:
        for company_id in self._company_feed.remove(subscriber, company_ids):
            assert self._listener is not None
            self._listener.unsubscribe(company_channel(company_id))

    async def _subscribe_to_companies(self, company_ids: Iterable[int]) -> None:
        assert self._listener is not None
        await self._listener.subscribe(map(company_channel, company_ids))
        await self._company_feed.resync()

    def _acquire_feed(self, chat_id: int, audience: Audience) -> ChatFeed:
        """The chat's feed, which may still be opening. Pair each call with `_release_feed`."""
        feed = self._feeds.get((chat_id, audience))
        if feed is None:
            pages = self._member_pages if audience is Audience.MEMBERS else self._pages
            feed = ChatFeed(chat_id, pages, self._heads, audience)
            self._feeds[chat_id, audience] = feed
            feed.opening = self._spawn(self._start_feed(feed))
        feed.use_count += 1
        return feed

    def _release_feed(self, feed: ChatFeed) -> None:
        feed.use_count -= 1
        if not feed.use_count:
            self._drop_feed(feed)

    def _drop_feed(self, feed: ChatFeed) -> None:
        if self._feeds.get((feed.chat_id, feed.audience)) is feed:
            del self._feeds[feed.chat_id, feed.audience]
            assert self._listener is not None
            used = {name for left in self._feeds_of(feed.chat_id) for name in channels_of(left)}
            for name in channels_of(feed):
                if name not in used:
                    self._listener.unsubscribe(name)

    def _feeds_of(self, chat_id: int) -> list[ChatFeed]:
        found = (self._feeds.get((chat_id, audience)) for audience in Audience)
        return [feed for feed in found if feed is not None]

    async def _start_feed(self, feed: ChatFeed) -> None:
        if not feed.use_count:
            return  # dropped before this task began
        assert self._listener is not None
        try:
            await self._listener.subscribe(channels_of(feed))
            head: LogPosition | None = await log_reader.retry_until_available(
                self._heads.get, feed.chat_id
            )
        except BaseException:
            self._drop_feed(feed)  # the next subscriber tries again
            raise
        if head is None:
            feed.start(0)
        else:
            feed.start(head.number(feed.audience), head.member_seq)

    # --- Hints ---

    def on_message(self, channel: str, payload: bytes) -> None:
        if channel == CONTROL:
            self._on_control_message(payload)
            return
        hint = Hint.unpack(payload)
        kind, _, number = channel.partition(":")
        if kind == "members":  # of both logs
            feed = self._feeds.get((hint.chat_id, Audience.MEMBERS))
            if feed is not None:
                feed.receive(hint)
        elif kind == "chat":
            for feed in self._feeds_of(hint.chat_id):
                if hint.seq:
                    feed.receive(hint)
                else:
                    feed.forward_ephemeral(hint, ephemeral_key(hint))
        elif hint.seq:
            self._company_feed.receive(int(number), hint)
        else:
            self._company_feed.forward_ephemeral(int(number), hint, ephemeral_key(hint))

    def _on_control_message(self, payload: bytes) -> None:
        if payload.startswith(ACCESS):
            self.renewal.access_changed(payload.removeprefix(ACCESS).decode())
        else:
            self.renewal.access_changed(None)
            self._spawn(self._renew_and_resync_until_available())

    def on_disconnected(self) -> None:
        if self._polls_until != float("inf"):
            self._polls_until = float("inf")
            self._spawn(self._renew_and_resync_until_available())

    def on_connected(self) -> None:
        # Publishers may take a moment longer to notice that Redis is back.
        self._polls_until = asyncio.get_running_loop().time() + LINGER_SECONDS
        self.presence.publish_again()

    # --- Resync and renewal ---

    async def _poll(self) -> None:
        if asyncio.get_running_loop().time() < self._polls_until:
            await self._resync()

    async def _renew_while_disconnected(self) -> None:
        if asyncio.get_running_loop().time() < self._polls_until:
            self.renewal.schedule(self.subscribers)

    async def _renew_and_resync(self) -> None:
        self.renewal.schedule(self.subscribers)
        await self._resync()

    async def _renew_and_resync_until_available(self) -> None:
        await log_reader.retry_until_available(self._renew_and_resync)

    async def _resync(self) -> None:
        """Give every feed the newest seq of its log, so that it reads what it has missed."""
        feeds = list(self._feeds.values())
        if feeds:
            chat_ids = {feed.chat_id for feed in feeds}
            heads = await log_reader.LOG_POOL.call(log_reader.heads, chat_ids)
            for feed in feeds:
                if feed.chat_id in heads:
                    feed.learn_head(heads[feed.chat_id].number(feed.audience))
                else:
                    feed.wake_waiters()
        await self._company_feed.resync()

    def _apply_renewal(self, subscriber: Subscriber, grant: Grant | None) -> None:
        """End a stream whose access has ended; otherwise adopt the new set of companies."""
        if grant is None:
            subscriber.writer.end(BYE)
            return
        before, now = set(subscriber.grant.company_ids), set(grant.company_ids)
        subscriber.grant = grant
        if grant.chat_id is None and before != now:
            self._company_feed.admit_to(subscriber, now - before)
            self._unsubscribe_from_companies(subscriber, before - now)
            self._spawn(self._subscribe_to_companies(now - before))

    async def _tick(self) -> None:
        """Every second: send a share of the heartbeats, and end streams whose token expired."""
        now, heartbeat_slot = time.time(), int(time.monotonic()) % HEARTBEAT
        for subscriber in list(self.subscribers):
            if subscriber.grant.expires_at <= now:
                subscriber.writer.end(BYE)
            elif subscriber.heartbeat_slot == heartbeat_slot:
                subscriber.writer.push(HEARTBEAT_COMMENT)

    def record_use(self, admission: Admission) -> None:
        """Record the last use of a token, in the background."""
        if admission.use_unrecorded:
            self._spawn(self._record_use(admission.grant.limit_key))

    async def _record_use(self, limit_key: str) -> None:
        try:
            await self._uses.get(limit_key)
        except Error as error:
            logger.warning("the last use of a token cannot be recorded: %s", error)


def channels_of(feed: ChatFeed) -> list[str]:
    return channels(feed.chat_id, feed.audience)


def renew(grants: list[Grant]) -> dict[Grant, Grant]:
    return admission.renew(grants)


def ephemeral_key(hint: Hint) -> tuple[int, str, int | None]:
    """Events with the same key replace each other: same chat, type and chat user."""
    event = loads(hint.body.partition(b"\ndata: ")[2])
    return hint.chat_id, event["type"], event["data"].get("chat_user_id")


@cache
def hub() -> Hub:
    """The hub of this process."""
    return Hub()
