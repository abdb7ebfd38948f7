"""Presence: which chat users are connected to which chat, in all processes.

Each process records its own chat users in a shared registry. When a process stops reporting that it
is alive, another one announces its chat users as offline.
"""

import logging
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.db import Error

from chatapi.api.encoding import instant
from chats.actions.chat_users import publish_presence, record_last_seen
from chats.hints import Hint
from chats.stream import log_reader
from chats.stream.presence_registry import ConnectedUser, registry
from chats.stream.subscriber import Subscriber

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5.0  # a chat user who reconnects within this time was never offline
ALIVE_SECONDS = 5.0  # between two reports that this process is alive


class Presence:
    """The presence of this process's chat users. Changes within a second are published together."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._connected: Counter[ConnectedUser] = Counter()
        self._arrived: set[ConnectedUser] = set()
        self._departed: dict[ConnectedUser, float] = {}  # with the time to announce it
        self._newcomers: list[Subscriber] = []  # subscribers waiting for a snapshot
        self._reported_alive_at = float("-inf")

    def add(
        self,
        subscriber: Subscriber,
        connected_users: Iterable[ConnectedUser],
        watched_chats: tuple[int, ...],
    ) -> None:
        """Count chat users as connected through a subscriber.

        The subscriber gets a snapshot of the connected users of `watched_chats`.
        """
        for user in connected_users:
            subscriber.connected_users.append(user)
            self._connected[user] += 1
            if self._connected[user] == 1 and self._departed.pop(user, None) is None:
                self._arrived.add(user)
        subscriber.watched_chats = watched_chats
        self._newcomers.append(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        connected_users, subscriber.connected_users = subscriber.connected_users, []
        for user in connected_users:
            self._connected[user] -= 1
            if not self._connected[user]:
                del self._connected[user]
                self._departed[user] = time.monotonic() + GRACE_SECONDS

    def publish_again(self) -> None:
        """Publish all chat users again, because the registry may have been lost."""
        self._arrived.update(self._connected)

    async def tick(self) -> None:
        """Publish arrivals and departures, and send newcomers their snapshots."""
        now = time.monotonic()
        report_alive = (
            bool(self._connected or self._departed)
            and now - self._reported_alive_at > ALIVE_SECONDS
        )
        newcomers = [each for each in self._newcomers if not each.writer.closed]
        self._newcomers = []
        arrived, self._arrived = self._arrived & self._connected.keys(), set()
        departed = {user for user, due in self._departed.items() if due <= now}
        for user in departed:
            del self._departed[user]
        if not (report_alive or newcomers or arrived or departed):
            return
        try:
            chat_ids = {chat_id for subscriber in newcomers for chat_id in subscriber.watched_chats}
            online = await log_reader.BACKGROUND_POOL.call(
                self._publish, report_alive, arrived, departed, chat_ids
            )
        except (redis.RedisError, Error) as error:
            # Try again at the next tick.
            self._newcomers += newcomers
            self._arrived |= arrived
            self._departed |= dict.fromkeys(departed - self._connected.keys(), now)
            logger.warning("presence cannot be published: %s", error)
            return
        if report_alive:
            self._reported_alive_at = now
        bodies = {chat_id: snapshot(chat_id, users) for chat_id, users in online.items()}
        for subscriber in newcomers:
            for chat_id in subscriber.watched_chats:
                subscriber.writer.push(bodies[chat_id])

    def _publish(
        self,
        report_alive: bool,
        arrived: set[ConnectedUser],
        departed: set[ConnectedUser],
        chat_ids: set[int],
    ) -> dict[int, set[int]]:
        """Publish the changes, in a thread. Returns the connected users of `chat_ids`."""
        seen = datetime.now(UTC) - timedelta(seconds=GRACE_SECONDS)
        if report_alive:
            lost, is_new = registry().report_alive(self._process)
            departed = departed.union(lost)
            if is_new:
                registry().update(self._process, list(self._connected), ())
        registry().update(self._process, arrived, departed)
        online = registry().online(chat_ids | {user.chat_id for user in departed})
        # A chat user who departed here may be connected to another process.
        offline = [each for each in departed if each.chat_user_id not in online[each.chat_id]]
        record_last_seen([each.chat_user_id for each in offline], seen)
        changes: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        for each in arrived:
            changes[each[:2]].append(presence_of(each.chat_user_id, online=True))
        for each in offline:
            changes[each[:2]].append(presence_of(each.chat_user_id, online=False, seen=seen))
        for (company_id, chat_id), users in changes.items():
            publish_presence(company_id, chat_id, users)
        return {chat_id: online[chat_id] for chat_id in chat_ids}


def presence_of(chat_user_id: int, *, online: bool, seen: datetime | None = None) -> dict[str, Any]:
    return {
        "id": chat_user_id,
        "online": online,
        "last_seen_at": instant(seen) if seen else None,
    }


def snapshot(chat_id: int, users: Iterable[int]) -> bytes:
    """The presence event with which a stream starts."""
    data = {"users": [presence_of(user, online=True) for user in sorted(users)]}
    return Hint.ephemeral("presence", chat_id, data).body
