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
from chats.stream import reader
from chats.stream.registry import Present, registry
from chats.stream.stream import Stream

logger = logging.getLogger(__name__)

GRACE = 5.0  # seconds in which somebody who went may come back unnoticed
ALIVE_EVERY = 5.0  # seconds between two signs of life


class Presence:
    """Of this process. What happens within a second is told of together."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._here: Counter[Present] = Counter()
        self._come: set[Present] = set()
        self._gone: dict[Present, float] = {}  # and when to tell of it
        self._new: list[Stream] = []  # to be told who is here
        self._alive_at = float("-inf")

    def enter(self, stream: Stream, presents: Iterable[Present], watched: tuple[int, ...]) -> None:
        """Count chat users as connected by a stream; it is told who is in the chats `watched`."""
        for present in presents:
            stream.presents.append(present)
            self._here[present] += 1
            if self._here[present] == 1 and self._gone.pop(present, None) is None:
                self._come.add(present)
        stream.watched = watched
        self._new.append(stream)

    def leave(self, stream: Stream) -> None:
        presents, stream.presents = stream.presents, []
        for present in presents:
            self._here[present] -= 1
            if not self._here[present]:
                del self._here[present]
                self._gone[present] = time.monotonic() + GRACE

    def tell_again(self) -> None:
        """The registry may have been lost."""
        self._come.update(self._here)

    async def tick(self) -> None:
        """Tell of who came and who went, and the new ones of who is here."""
        now = time.monotonic()
        lives = bool(self._here or self._gone) and now - self._alive_at > ALIVE_EVERY
        new, self._new = [each for each in self._new if not each.outlet.closed], []
        come, self._come = self._come & self._here.keys(), set()
        gone = {present for present, due in self._gone.items() if due <= now}
        for present in gone:
            del self._gone[present]
        if not (lives or new or come or gone):
            return
        try:
            asked = {chat_id for stream in new for chat_id in stream.watched}
            online = await reader.ASIDE.call(self._tell, lives, come, gone, asked)
        except (redis.RedisError, sqlite3.Error, Error) as error:
            # Told once the registry can be reached.
            self._come |= come
            self._gone |= dict.fromkeys(gone - self._here.keys(), now)
            logger.warning("who is connected can't be told: %s", error)
            return
        if lives:
            self._alive_at = now
        bodies = {chat_id: snapshot(chat_id, users) for chat_id, users in online.items()}
        for stream in new:
            for chat_id in stream.watched:
                stream.outlet.push(bodies[chat_id])

    def _tell(
        self, lives: bool, come: set[Present], gone: set[Present], asked: set[int]
    ) -> dict[int, set[int]]:
        """In a thread. Returns who is connected to the chats `asked` for."""
        seen = datetime.now(UTC) - timedelta(seconds=GRACE)
        if lives:
            left, forgotten = registry().alive(self._process)
            gone = gone.union(left)
            if forgotten:
                registry().update(self._process, list(self._here), ())
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
