"""Who is connected to which chat, over all processes.

A process keeps its own chat users in a registry that all share; one that died is found by its
silence, and whoever finds it tells of its chat users as gone.
"""

import logging
import secrets
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.db import Error

from chatapi.api.encoding import instant
from chats.actions.chat_users import note_seen, tell_presence
from chats.hints import Hint
from chats.stream import log_reader
from chats.stream.presence_registry import ConnectedUser, registry
from chats.stream.subscriber import Subscriber

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5.0  # seconds in which somebody who went may come back unnoticed
ALIVE_SECONDS = 5.0  # seconds between two signs of life


class Presence:
    """Of this process. What happens within a second is told of together."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._connected: Counter[ConnectedUser] = Counter()
        self._arrived: set[ConnectedUser] = set()
        self._departed: dict[ConnectedUser, float] = {}  # and when to tell of it
        self._newcomers: list[Subscriber] = []  # to be told who is here
        self._reported_alive_at = float("-inf")

    def add(
        self,
        subscriber: Subscriber,
        connected_users: Iterable[ConnectedUser],
        watched_chats: tuple[int, ...],
    ) -> None:
        """Count chat users as connected by a stream; it is told who is in the chats `watched`."""
        for present in connected_users:
            subscriber.connected_users.append(present)
            self._connected[present] += 1
            if self._connected[present] == 1 and self._departed.pop(present, None) is None:
                self._arrived.add(present)
        subscriber.watched_chats = watched_chats
        self._newcomers.append(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        connected_users, subscriber.connected_users = subscriber.connected_users, []
        for present in connected_users:
            self._connected[present] -= 1
            if not self._connected[present]:
                del self._connected[present]
                self._departed[present] = time.monotonic() + GRACE_SECONDS

    def publish_again(self) -> None:
        """The registry may have been lost."""
        self._arrived.update(self._connected)

    async def tick(self) -> None:
        """Tell of who came and who went, and the new ones of who is here."""
        now = time.monotonic()
        lives = (
            bool(self._connected or self._departed)
            and now - self._reported_alive_at > ALIVE_SECONDS
        )
        new, self._newcomers = [each for each in self._newcomers if not each.writer.closed], []
        come, self._arrived = self._arrived & self._connected.keys(), set()
        gone = {present for present, due in self._departed.items() if due <= now}
        for present in gone:
            del self._departed[present]
        if not (lives or new or come or gone):
            return
        try:
            asked = {chat_id for subscriber in new for chat_id in subscriber.watched_chats}
            online = await log_reader.BACKGROUND_POOL.call(self._tell, lives, come, gone, asked)
        except (redis.RedisError, sqlite3.Error, Error) as error:
            # Told once the registry can be reached.
            self._arrived |= come
            self._departed |= dict.fromkeys(gone - self._connected.keys(), now)
            logger.warning("who is connected can't be told: %s", error)
            return
        if lives:
            self._reported_alive_at = now
        bodies = {chat_id: snapshot(chat_id, users) for chat_id, users in online.items()}
        for subscriber in new:
            for chat_id in subscriber.watched_chats:
                subscriber.writer.push(bodies[chat_id])

    def _tell(
        self, lives: bool, come: set[ConnectedUser], gone: set[ConnectedUser], asked: set[int]
    ) -> dict[int, set[int]]:
        """In a thread. Returns who is connected to the chats `asked` for."""
        seen = datetime.now(UTC) - timedelta(seconds=GRACE_SECONDS)
        if lives:
            left, forgotten = registry().alive(self._process)
            gone = gone.union(left)
            if forgotten:
                registry().update(self._process, list(self._connected), ())
        registry().update(self._process, come, gone)
        online = registry().online(asked | {present.chat_id for present in gone})
        # Who went here may be connected elsewhere.
        out = [each for each in gone if each.chat_user_id not in online[each.chat_id]]
        note_seen([each.chat_user_id for each in out], seen)
        changes: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        for each in come:
            changes[each[:2]].append(shown(each.chat_user_id, online=True))
        for each in out:
            changes[each[:2]].append(shown(each.chat_user_id, online=False, seen=seen))
        for (company_id, chat_id), users in changes.items():
            tell_presence(company_id, chat_id, users)
        return {chat_id: online[chat_id] for chat_id in asked}


def shown(chat_user_id: int, *, online: bool, seen: datetime | None = None) -> dict[str, Any]:
    return {
        "id": chat_user_id,
        "online": online,
        "last_seen_at": instant(seen) if seen else None,
    }


def snapshot(chat_id: int, users: Iterable[int]) -> bytes:
    """Who is connected, for a stream that has just been opened."""
    data = {"users": [shown(user, online=True) for user in sorted(users)]}
    return Hint.passing("presence", chat_id, data).body
