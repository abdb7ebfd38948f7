"""Who waits for which chat, and one reader for all of them.

While anybody waits, the log's heads are asked for twice a second, in one query for all the chats
that are waited for. When nobody waits, nothing is asked.
"""

import asyncio
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connections

from chats.models import Chat

logger = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two looks at the log


class Watcher:
    """One for each process, used from its event loop alone."""

    def __init__(self) -> None:
        # For each chat those who wait, with the seq that they know of.
        self._waiting: defaultdict[int, dict[asyncio.Event, int]] = defaultdict(dict)
        self._looking: asyncio.Task[None] | None = None
        # One thread, so one connection, however many wait.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watcher")
        self.count = 0

    async def wait(self, chat_id: int, seq: int) -> None:
        """Return when the chat's log has gone past `seq`, or the chat is gone."""
        news = asyncio.Event()
        self._waiting[chat_id][news] = seq
        self.count += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await news.wait()
        finally:
            self.count -= 1
            del self._waiting[chat_id][news]
            if not self._waiting[chat_id]:
                del self._waiting[chat_id]

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(PAUSE)
            ids = list(self._waiting)
            try:
                heads = await loop.run_in_executor(self._thread, read_heads, ids)
            except DatabaseError as error:
                logger.warning("the log can't be read, waiting goes on: %s", error)
                continue
            for chat_id in ids:
                head = heads.get(chat_id)
                for news, seq in self._waiting.get(chat_id, {}).items():
                    # A chat that is gone wakes its waiters too: the view tells them.
                    if head is None or head > seq:
                        news.set()
        # Whoever comes from here on starts the next look.
        self._looking = None
        await loop.run_in_executor(self._thread, close_connection)


def read_heads(ids: list[int]) -> dict[int, int]:
    """The newest seq of each chat that exists, by id."""
    close_old_connections()
    rows = Chat.objects.filter(pk__in=ids, deleted_at=None, company__deleted_at=None)
    return dict(rows.values_list("pk", "last_seq"))


def close_connection() -> None:
    """Give back the connection of the thread that calls; while nobody waits, none is held."""
    connections.close_all()
