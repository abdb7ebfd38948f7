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

from chatapi.json import instant
from chats.actions.users import note_seen, tell_presence
from chats.hints import Hint
from chats.stream import reader
from chats.stream.registry import Place, registry
from chats.stream.stream import Stream

logger = logging.getLogger(__name__)

GRACE = 5.0  # seconds in which somebody who went may come back unnoticed
ALIVE_EVERY = 5.0  # seconds between two signs of life


class Presence:
    """Of this process. What happens within a second is told of together."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._here: Counter[Place] = Counter()
        self._come: set[Place] = set()
        self._gone: dict[Place, float] = {}  # and when to tell of it
        self._new: list[Stream] = []  # to be told who is here
        self._alive_at = float("-inf")

    def enter(self, stream: Stream) -> None:
        place = place_of(stream)
        stream.is_present = True
        self._here[place] += 1
        if self._here[place] == 1 and self._gone.pop(place, None) is None:
            self._come.add(place)
        self._new.append(stream)

    def leave(self, stream: Stream) -> None:
        if not stream.is_present:
            return
        stream.is_present = False
        place = place_of(stream)
        self._here[place] -= 1
        if not self._here[place]:
            del self._here[place]
            self._gone[place] = time.monotonic() + GRACE

    def tell_again(self) -> None:
        """The registry may have been lost."""
        self._come.update(self._here)

    async def tick(self) -> None:
        """Tell of who came and who went, and the new ones of who is here."""
        now = time.monotonic()
        lives = bool(self._here or self._gone) and now - self._alive_at > ALIVE_EVERY
        new, self._new = [each for each in self._new if not each.outlet.closed], []
        come, self._come = self._come & self._here.keys(), set()
        gone = {place for place, due in self._gone.items() if due <= now}
        for place in gone:
            del self._gone[place]
        if not (lives or new or come or gone):
            return
        try:
            chat_ids = {stream.grant.chat_id for stream in new if stream.grant.chat_id}
            online = await reader.in_thread(self._tell, lives, come, gone, chat_ids)
        except (redis.RedisError, sqlite3.Error) as error:
            # Told again when the registry can be reached.
            self._come |= come
            self._gone |= dict.fromkeys(gone - self._here.keys(), now)
            logger.warning("who is connected can't be told: %s", error)
            return
        if lives:
            self._alive_at = now
        for chat_id, users in online.items():
            body = snapshot(chat_id, users)
            for stream in new:
                if stream.grant.chat_id == chat_id:
                    stream.outlet.push(body)

    def _tell(
        self, lives: bool, come: set[Place], gone: set[Place], asked: set[int]
    ) -> dict[int, set[int]]:
        """In a thread. Returns who is connected to the chats `asked` for."""
        seen = datetime.now(UTC) - timedelta(seconds=GRACE)
        if lives:
            gone = gone.union(registry().alive(self._process))
        registry().update(self._process, come, gone)
        online = registry().online(asked | {place.chat_id for place in gone})
        # Who went here may be connected elsewhere.
        left = [place for place in gone if place.chat_user_id not in online[place.chat_id]]
        note_seen([place.chat_user_id for place in left], seen)
        changes: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        for place in come:
            changes[place[:2]].append(shown(place.chat_user_id, online=True))
        for place in left:
            changes[place[:2]].append(shown(place.chat_user_id, online=False, seen=seen))
        for (company_id, chat_id), users in changes.items():
            tell_presence(company_id, chat_id, users)
        return {chat_id: online[chat_id] for chat_id in asked}


def place_of(stream: Stream) -> Place:
    grant = stream.grant
    assert grant.chat_id is not None
    return Place(grant.company_ids[0], grant.chat_id, grant.chat_user_id or 0)


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
