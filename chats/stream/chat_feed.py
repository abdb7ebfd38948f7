"""The feed of one chat: one reader of its log, and any number of subscribers.

Members have a feed of their own for both logs of a chat. In it, all numbers count the entries of
both.

Frames are rendered when an event happens, so they show a message as it was then. A later change of
the message is an event with a higher `seq`. Hence two rules. First, a subscriber is attached only
when the feed has passed the newest event at the subscriber's admission, so that no hint of an older
event can reach it. Second, an event that changes earlier ones makes the feed drop its recent
frames; subscribers that missed those events read them from the log.
"""

import asyncio
from collections import deque
from collections.abc import Hashable

from chats.hints import Hint, LogPosition
from chats.models.events import Audience
from chats.stream import log_reader
from chats.stream.subscriber import Subscriber

MAX_RECENT = 50  # events kept in memory for clients that reconnect
REORDER_SECONDS = 0.05  # how long to wait for hints that arrive out of order
MAX_EARLY = 1_000  # hints kept that are ahead of the sequence

Frames = list[tuple[int, bytes]]  # rendered events, each with its number
Pages = log_reader.Batcher[log_reader.PageRequest, list[Hint]]
Heads = log_reader.Batcher[int, LogPosition]


class ChatFeed:
    """Forwards each event of a chat once and in order, even if hints are lost or reordered.

    `number` is that of the newest event that was forwarded. A hint that continues the sequence
    is forwarded unchanged; a gap that does not close at once makes the feed read the log.
    """

    def __init__(
        self, chat_id: int, pages: Pages, heads: Heads, audience: Audience = Audience.EVERYONE
    ) -> None:
        self.chat_id = chat_id
        self.audience = audience
        self._pages = pages
        self._heads = heads
        self.number = 0
        self._member_seq = 0  # that of the newest event of the members' log that was forwarded
        self.use_count = 0  # subscribers and long polls, including those waiting for the opening
        self.opening: asyncio.Future[None] | None = None
        self.subscribers: set[Subscriber] = set()
        self.waiters: dict[asyncio.Future[None], int] = {}
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=MAX_RECENT)
        self._early: dict[int, Hint] = {}
        self._known_head = 0  # the newest seq known to exist
        self._reading: asyncio.Task[None] | None = None

    def start(self, head: int, member_seq: int = 0) -> None:
        """Forward the events after `head`, which was read after the channel was subscribed."""
        self.opening = None
        self.number, self._member_seq = head, member_seq
        self._known_head = max(self._known_head, head)
        self._early = {seq: hint for seq, hint in self._early.items() if seq > head}
        self._forward_early()

    # --- Incoming ---

    def receive(self, hint: Hint) -> None:
        """Accept an event from a hint or from the log."""
        number = hint.number(self.audience)
        if number is None or self._is_outdated(hint):
            # Another hint will have the number; if it was lost, the log has the event.
            self._known_head = max(self._known_head, hint.seq + self._member_seq)
            if self.opening is None and self._known_head > self.number:
                self._schedule_read(REORDER_SECONDS)
            return
        if number <= self.number:
            return
        self._known_head = max(self._known_head, number)
        if number == self.number + 1 or len(self._early) < MAX_EARLY:
            self._early[number] = hint
        if self.opening is None:
            self._forward_early()

    def _is_outdated(self, hint: Hint) -> bool:
        """Whether a process of the version before wrote the event: it knows of no members' log."""
        return self.audience is Audience.MEMBERS and hint.member_seq == 0 < self._member_seq

    def _forward_early(self) -> None:
        while (hint := self._early.pop(self.number + 1, None)) is not None:
            self._forward(hint)
        if self._known_head > self.number:
            self._schedule_read(REORDER_SECONDS)

    def learn_head(self, head: int) -> None:
        """Note that the log has reached at least `head`."""
        if self.opening is None and head > self.number:
            self._known_head = max(self._known_head, head)
            self._schedule_read(0)

    def _schedule_read(self, seconds: float) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(seconds))

    async def _read(self, seconds: float) -> None:
        """Read the log until every known event has been forwarded."""
        try:
            await asyncio.sleep(seconds)
            while self._known_head > self.number and self.use_count:
                hints = await self._page(self.number)
                if not hints:  # the chat has just been purged
                    self._known_head = self.number
                    self._early.clear()
                for hint in hints:
                    self.receive(hint)
        finally:
            self._reading = None

    async def _page(self, after: int) -> list[Hint]:
        request = log_reader.PageRequest(self.chat_id, after)
        return await log_reader.retry_until_available(self._pages.get, request) or []

    # --- Outgoing ---

    def _forward(self, hint: Hint) -> None:
        number = hint.log_position.number(self.audience)
        self.number, self._member_seq = number, hint.member_seq or 0
        frame = hint.frame(self.audience)
        if hint.changes_earlier:
            self._recent.clear()
        self._recent.append((number, frame))
        for subscriber in self.subscribers:
            if subscriber.number < number:
                subscriber.number = number
                subscriber.writer.push(frame)
        for waiter, after in self.waiters.items():
            if after < number and not waiter.done():
                waiter.set_result(None)

    def forward_ephemeral(self, hint: Hint, key: Hashable) -> None:
        """Forward an ephemeral event."""
        for subscriber in self.subscribers:
            subscriber.push_ephemeral(hint, key)

    async def attach(self, subscriber: Subscriber, welcome: bytes) -> None:
        """Send `welcome` and the events after the subscriber's seq, then add it to the feed."""
        head = subscriber.head
        if subscriber.number > max(head, self.number):
            # It is ahead of this feed, or of a log that was restored from a backup.
            newest: LogPosition | None = await log_reader.retry_until_available(
                self._heads.get, self.chat_id
            )
            head = newest.number(self.audience) if newest else 0
            subscriber.number = min(subscriber.number, head)
        await self._catch_up_to(head)
        while not subscriber.writer.closed:
            frames = self._recent_after(subscriber.number)
            if frames is None:
                hints = await self._page(subscriber.number)
                if not hints:
                    break
                frames = [
                    (hint.log_position.number(self.audience), hint.frame(self.audience))
                    for hint in hints
                ]
                for hint in hints:  # events new to this feed are new to its other subscribers
                    self.receive(hint)
            if frames or welcome:
                await subscriber.writer.write(welcome + b"".join(frame for _, frame in frames))
                welcome = b""
            if frames:
                subscriber.number = frames[-1][0]
            if subscriber.number >= self.number:
                break
        # The event loop has not run since the comparison, so no event was missed.
        self.subscribers.add(subscriber)

    async def _catch_up_to(self, head: int) -> None:
        """Wait until the feed has passed `head`, or the chat has been purged."""
        self.learn_head(head)
        while self.number < head and self._reading is not None:
            await asyncio.shield(self._reading)

    def _recent_after(self, number: int) -> Frames | None:
        """The forwarded events after `number`; None when some are no longer in memory."""
        if number >= self.number:
            return []
        if self._recent and self._recent[0][0] <= number + 1:
            return [(each, frame) for each, frame in self._recent if each > number]
        return None

    async def wait(self, after: int) -> Frames | None:
        """Wait until the chat has an event after `after`, or has been deleted.

        Returns the events after it; None when there are none, or some are no longer in memory.
        """
        if self.number > after:
            return self._recent_after(after) or None
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters[waiter] = after
        try:
            await waiter
        finally:
            del self.waiters[waiter]
        return self._recent_after(after) or None

    def wake_waiters(self) -> None:
        """Wake all long polls, because the chat has been deleted."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
