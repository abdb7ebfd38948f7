"""A stream: somebody who may read, how far they have read, and the way to them."""

import random
from collections.abc import Hashable
from typing import TYPE_CHECKING

from chats.hints import Hint
from chats.stream.door import Grant
from chats.stream.outlet import Outlet

if TYPE_CHECKING:
    from chats.stream.feed import Feed
    from chats.stream.registry import Present

HEARTBEAT = 15  # seconds
PASSING_SECONDS = 6.0  # that what passes is worth telling
PRESENCE = b"event: presence\n"


class Stream:
    """One open stream. `seq` is the newest event of its chat that was sent to it, `head` the newest
    that there was at its admission, `turn` the second of every HEARTBEAT seconds in which it gets
    one, `since` the time that a stream of many chats begins at, as the API writes times.

    A stream of many chats was last admitted to a company at `admitted_at`, of the monotonic clock;
    hints of events after `believes_after` can't be older than that."""

    __slots__ = (
        "admitted_at",
        "believes_after",
        "feed",
        "grant",
        "head",
        "outlet",
        "presents",
        "seq",
        "since",
        "turn",
        "watched",
    )

    def __init__(
        self,
        grant: Grant,
        outlet: Outlet,
        seq: int = 0,
        head: int = 0,
        watched: tuple[int, ...] = (),
    ) -> None:
        self.grant = grant
        self.outlet = outlet
        self.seq = seq
        self.head = head
        self.since = ""
        self.admitted_at = 0.0
        self.believes_after = ""
        self.feed: Feed | None = None  # that it needs
        self.watched = watched  # chats whose connected users it is told of when it begins
        self.presents: list[Present] = []  # chat users that were told of as connected by it
        self.turn = random.randrange(HEARTBEAT)  # noqa: S311

    def push_passing(self, hint: Hint, key: Hashable) -> None:
        """Send what passes; `key` tells what it replaces."""
        if hint.body.startswith(PRESENCE):
            self.outlet.push(hint.body)  # tells of changes, so that none may be left out
        else:
            self.outlet.push_passing(key, hint.body, PASSING_SECONDS)
