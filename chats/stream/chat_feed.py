"""A chat's log as this process serves it: one reader of the log, and any number of streams.

Frames are rendered when an event happens, so they show a message as it was then. The log is what
tells when they are out of date: a change of a message is an event with a higher `seq`. Hence two
rules. A stream is attached only when the feed has passed the newest event there was at the
stream's admission, so no hint of anything older can reach it. And an event that changes how earlier
ones look makes the feed forget the frames it has kept; whoever missed those events gets them from
the log.
"""

import asyncio
from collections import deque
from collections.abc import Hashable

from chats.hints import Hint
from chats.stream import log_reader
from chats.stream.subscriber import Subscriber

RECENT = 50  # events kept, for who comes back after a moment
REORDER_SECONDS = 0.05  # seconds in which hints that overtook each other are put right
MAX_EARLY = 1_000  # hints kept that came before those they follow

Frames = list[tuple[int, bytes]]  # events as they are sent, each with its seq
Pages = log_reader.Batcher[log_reader.ChatSeq, list[Hint]]
Heads = log_reader.Batcher[int, int]


class ChatFeed:
    """Passes each event of a chat on once and in order, whatever hints were lost or swapped.

    `seq` is the newest event that was passed on. A hint that continues the sequence is passed on
    as it is; a hole that does not close at once makes the feed read the log.
    """

    def __init__(self, chat_id: int, pages: Pages, heads: Heads) -> None:
        self.chat_id = chat_id
        self._pages = pages
        self._heads = heads
        self.seq = 0
        self.use_count = 0  # streams and waiting requests, also those that wait for its opening
        self.opening: asyncio.Future[None] | None = None
        self.subscribers: set[Subscriber] = set()
        self.waiters: dict[asyncio.Future[None], int] = {}
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
        self._early: dict[int, Hint] = {}
        self._known_head = 0  # the newest event that is known to exist
        self._reading: asyncio.Task[None] | None = None

    def start(self, head: int) -> None:
        """Pass on what comes after `head`, which was read after hints were heard."""
        self.opening = None
        self.seq = head
        self._known_head = max(self._known_head, head)
        self._early = {seq: hint for seq, hint in self._early.items() if seq > head}
        self._forward_early()

    # --- What comes in ---

    def receive(self, hint: Hint) -> None:
        """Take an event from a hint, or from the log."""
        if hint.seq <= self.seq:
            return
        self._known_head = max(self._known_head, hint.seq)
        if hint.seq == self.seq + 1 or len(self._early) < MAX_EARLY:
            self._early[hint.seq] = hint
        if self.opening is None:
            self._forward_early()

    def _forward_early(self) -> None:
        while (hint := self._early.pop(self.seq + 1, None)) is not None:
            self._forward(hint)
        if self._known_head > self.seq:
            self._schedule_read(REORDER_SECONDS)

    def learn_head(self, head: int) -> None:
        """The chat's newest event is `head`, or a newer one."""
        if self.opening is None and head > self.seq:
            self._known_head = max(self._known_head, head)
            self._schedule_read(0)

    def _schedule_read(self, seconds: float) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(seconds))

    async def _read(self, seconds: float) -> None:
        """Read the log until what is known to exist has been passed on."""
        try:
            await asyncio.sleep(seconds)
            while self._known_head > self.seq and self.use_count:
                hints = await self._page(self.seq)
                if not hints:  # the chat has just been removed for good
                    self._known_head = self.seq
                    self._early.clear()
                for hint in hints:
                    self.receive(hint)
        finally:
            self._reading = None

    async def _page(self, after: int) -> list[Hint]:
        return await log_reader.retry_until_available(self._pages.get, (self.chat_id, after)) or []

    # --- What goes out ---

    def _forward(self, hint: Hint) -> None:
        self.seq = seq = hint.seq
        frame = hint.frame
        if hint.changes_earlier:
            self._recent.clear()
        self._recent.append((seq, frame))
        for subscriber in self.subscribers:
            if subscriber.seq < seq:
                subscriber.seq = seq
                subscriber.writer.push(frame)
        for waiter, after in self.waiters.items():
            if after < seq and not waiter.done():
                waiter.set_result(None)

    def forward_ephemeral(self, hint: Hint, key: Hashable) -> None:
        """Hand on what passes and is in no log."""
        for subscriber in self.subscribers:
            subscriber.push_ephemeral(hint, key)

    async def attach(self, subscriber: Subscriber, welcome: bytes) -> None:
        """Send `welcome` and what is in the log after the stream's seq, then what happens."""
        head = subscriber.head
        if subscriber.seq > max(head, self.seq):
            # It has read more than was heard of here, or what never was (an old backup).
            newest: int | None = await log_reader.retry_until_available(
                self._heads.get, self.chat_id
            )
            head = newest or 0
            subscriber.seq = min(subscriber.seq, head)
        await self._catch_up_to(head)
        while not subscriber.writer.closed:
            frames = self._recent_after(subscriber.seq)
            if frames is None:
                hints = await self._page(subscriber.seq)
                if not hints:
                    break
                frames = [(hint.seq, hint.frame) for hint in hints]
                for hint in hints:  # what is new here is new to the others, too
                    self.receive(hint)
            if frames or welcome:
                await subscriber.writer.write(welcome + b"".join(frame for _, frame in frames))
                welcome = b""
            if frames:
                subscriber.seq = frames[-1][0]
            if subscriber.seq >= self.seq:
                break
        # No turn of the event loop since the comparison: nothing was passed on meanwhile.
        self.subscribers.add(subscriber)

    async def _catch_up_to(self, head: int) -> None:
        """Return when the feed has passed `head`, or the chat has been removed for good."""
        self.learn_head(head)
        while self.seq < head and self._reading is not None:
            await asyncio.shield(self._reading)

    def _recent_after(self, seq: int) -> Frames | None:
        """The events after `seq` as far as they have been passed on, None when not all are kept."""
        if seq >= self.seq:
            return []
        if self._recent and self._recent[0][0] <= seq + 1:
            return [(each, frame) for each, frame in self._recent if each > seq]
        return None

    async def wait(self, after: int) -> Frames | None:
        """Return when the log has gone past `after`, or the chat is gone.

        The events after it; None when not all are kept, or there are none.
        """
        if self.seq > after:
            return self._recent_after(after) or None
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters[waiter] = after
        try:
            await waiter
        finally:
            del self.waiters[waiter]
        return self._recent_after(after) or None

    def wake_waiters(self) -> None:
        """Let all who wait ask again: the chat is gone."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
