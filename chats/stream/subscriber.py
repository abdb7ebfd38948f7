"""One open stream: its grant, its position and its writer."""

import secrets
from collections.abc import Hashable
from typing import TYPE_CHECKING

from chats.access.grants import Grant
from chats.hints import Hint
from chats.stream.presence_registry import ConnectedUser
from chats.stream.writer import Writer

if TYPE_CHECKING:
    from chats.stream.chat_feed import ChatFeed

HEARTBEAT = 15  # seconds between two heartbeats
EPHEMERAL_SECONDS = 6.0  # after which an ephemeral event is no longer sent
PRESENCE = b"event: presence\n"


class Subscriber:
    """One open stream.

    `number` is that of the newest event of its chat that was sent to it, and `head` that of the
    newest one at its admission (see ChatFeed). `heartbeat_slot` is the second, of every HEARTBEAT
    seconds, in which it gets a heartbeat.

    For a stream of all chats, `since` is the time at which it starts, in the API's format. It was
    last admitted to a company at `admitted_at`, a monotonic time; hints of events after
    `trusts_hints_after` cannot be older than that admission.
    """

    __slots__ = (
        "admitted_at",
        "connected_users",
        "feed",
        "grant",
        "head",
        "heartbeat_slot",
        "number",
        "since",
        "trusts_hints_after",
        "watched_chats",
        "writer",
    )

    def __init__(
        self,
        grant: Grant,
        writer: Writer,
        number: int = 0,
        head: int = 0,
        watched_chats: tuple[int, ...] = (),
    ) -> None:
        self.grant = grant
        self.writer = writer
        self.number = number
        self.head = head
        self.since = ""
        self.admitted_at = 0.0
        self.trusts_hints_after = ""
        self.feed: ChatFeed | None = None
        # The chats of which it gets the connected users when it starts.
        self.watched_chats = watched_chats
        # The chat users that count as connected because of it.
        self.connected_users: list[ConnectedUser] = []
        self.heartbeat_slot = secrets.randbelow(HEARTBEAT)

    def push_ephemeral(self, hint: Hint, key: Hashable) -> None:
        """Send an ephemeral event. It replaces an unsent one with the same key."""
        if hint.body.startswith(PRESENCE):
            self.writer.push(hint.body)  # a change: none may be skipped
        else:
            self.writer.push_ephemeral(key, hint.body, EPHEMERAL_SECONDS)
