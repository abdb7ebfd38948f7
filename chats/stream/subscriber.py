"""A stream: somebody who may read, how far they have read, and the way to them."""

import random
from collections.abc import Hashable
from typing import TYPE_CHECKING

from chats.hints import Hint
from chats.stream.admission import Grant
from chats.stream.writer import Writer

if TYPE_CHECKING:
    from chats.stream.chat_feed import ChatFeed
    from chats.stream.presence_registry import ConnectedUser

HEARTBEAT = 15  # seconds
EPHEMERAL_SECONDS = 6.0  # that what passes is worth telling
PRESENCE = b"event: presence\n"


class Subscriber:
    """One open stream. `seq` is the newest event of its chat that was sent to it, `head` the newest
    that there was at its admission, `turn` the second of every HEARTBEAT seconds in which it gets
    one, `since` the time that a stream of many chats begins at, as the API writes times.

    A stream of many chats was last admitted to a company at `admitted_at`, of the monotonic clock;
    hints of events after `believes_after` can't be older than that."""

    __slots__ = (
        "admitted_at",
        "connected_users",
        "feed",
        "grant",
        "head",
        "heartbeat_slot",
        "seq",
        "since",
        "trusts_hints_after",
        "watched_chats",
        "writer",
    )

    def __init__(
        self,
        grant: Grant,
        writer: Writer,
        seq: int = 0,
        head: int = 0,
        watched_chats: tuple[int, ...] = (),
    ) -> None:
        self.grant = grant
        self.writer = writer
        self.seq = seq
        self.head = head
        self.since = ""
        self.admitted_at = 0.0
        self.trusts_hints_after = ""
        self.feed: ChatFeed | None = None  # that it needs
        self.watched_chats = (
            watched_chats  # chats whose connected users it is told of when it begins
        )
        self.connected_users: list[
            ConnectedUser
        ] = []  # chat users that were told of as connected by it
        self.heartbeat_slot = random.randrange(HEARTBEAT)  # noqa: S311

    def push_ephemeral(self, hint: Hint, key: Hashable) -> None:
        """Send what passes; `key` tells what it replaces."""
        if hint.body.startswith(PRESENCE):
            self.writer.push(hint.body)  # tells of changes, so that none may be left out
        else:
            self.writer.push_ephemeral(key, hint.body, EPHEMERAL_SECONDS)
