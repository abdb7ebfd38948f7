"""Record which chat users are connected to which process: in Redis or, without it, in memory."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from chatapi.bus.connection import client

DEAD_AFTER_SECONDS = 15.0  # seconds without a report after which a process counts as dead


class ConnectedUser(NamedTuple):
    """A connected chat user."""

    company_id: int
    chat_id: int
    chat_user_id: int


class Registry(Protocol):
    def update(
        self, process: str, arrived: Collection[ConnectedUser], departed: Collection[ConnectedUser]
    ) -> None: ...

    def online(self, chat_ids: Iterable[int]) -> dict[int, set[int]]:
        """The chat users connected to any process, by chat."""

    def report_alive(self, process: str) -> tuple[list[ConnectedUser], bool]:
        """Report that a process is alive.

        Returns the chat users who were connected to dead processes, and whether this process is
        new to the registry or counted as dead itself.
        """


class RedisRegistry:
    """One hash per chat (`CHAT_USER:PROCESS`), one set per process, and a sorted set of the times
    at which each process counts as dead."""

    def __init__(self) -> None:
        self._redis: Any = client()
        self._processes = f"{settings.REDIS_PREFIX}processes"

    def _chat(self, chat_id: int) -> str:
        return f"{settings.REDIS_PREFIX}presence:{chat_id}"

    def _present(self, process: str) -> str:
        return f"{settings.REDIS_PREFIX}presence-of:{process}"

    def update(
        self, process: str, arrived: Collection[ConnectedUser], departed: Collection[ConnectedUser]
    ) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for each in arrived:
            pipeline.hset(self._chat(each.chat_id), f"{each.chat_user_id}:{process}", 1)
            pipeline.sadd(self._present(process), ":".join(map(str, each)))
        for each in departed:
            pipeline.hdel(self._chat(each.chat_id), f"{each.chat_user_id}:{process}")
            pipeline.srem(self._present(process), ":".join(map(str, each)))
        pipeline.execute()

    def online(self, chat_ids: Iterable[int]) -> dict[int, set[int]]:
        chat_ids = list(chat_ids)
        pipeline = self._redis.pipeline(transaction=False)
        for chat_id in chat_ids:
            pipeline.hkeys(self._chat(chat_id))
        return {
            chat_id: {int(key.partition(b":")[0]) for key in keys}
            for chat_id, keys in zip(chat_ids, pipeline.execute(), strict=True)
        }

    def report_alive(self, process: str) -> tuple[list[ConnectedUser], bool]:
        now = time.time()
        new = bool(self._redis.zadd(self._processes, {process: now + DEAD_AFTER_SECONDS}))
        lost: list[ConnectedUser] = []
        for name in self._redis.zrangebyscore(self._processes, "-inf", now):
            members = self._redis.smembers(self._present(name.decode()))
            present = [ConnectedUser(*map(int, member.split(b":"))) for member in members]
            self.update(name.decode(), (), present)
            lost += present
            # Last, so that another process repeats this work if this one dies now.
            self._redis.zrem(self._processes, name)
        return lost, new


class MemoryRegistry:
    """The same without Redis, where this process is the only one."""

    def __init__(self) -> None:
        self._online: defaultdict[int, set[int]] = defaultdict(set)

    def update(
        self, process: str, arrived: Collection[ConnectedUser], departed: Collection[ConnectedUser]
    ) -> None:
        for each in arrived:
            self._online[each.chat_id].add(each.chat_user_id)
        for each in departed:
            self._online[each.chat_id].discard(each.chat_user_id)
            if not self._online[each.chat_id]:
                del self._online[each.chat_id]

    def online(self, chat_ids: Iterable[int]) -> dict[int, set[int]]:
        return {chat_id: set(self._online.get(chat_id, ())) for chat_id in chat_ids}

    def report_alive(self, process: str) -> tuple[list[ConnectedUser], bool]:
        return [], False


@cache
def registry() -> Registry:
    return RedisRegistry() if settings.REDIS_URL else MemoryRegistry()
