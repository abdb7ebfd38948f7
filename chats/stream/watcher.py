"""Who waits for which chat, and one reader for all of them.

While anybody waits, the log's heads are asked for twice a second, in one query for all the chats
that are waited for. When nobody waits, nothing is asked.
"""

import asyncio
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connection

from chats.models import Chat

logger = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two looks at the log


class Watcher:
    """One for each process, used from its event loop alone."""

    def __init__(self) -> None:
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[int, int] = {}
        self._looking: asyncio.Task[None] | None = None
        # One thread, so one connection, however many wait.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watcher")

    async def wait(self, chat_id: int, seq: int) -> None:
        """Return when the chat's log may have gone past `seq`."""
        news = asyncio.Event()
        self._waiting[chat_id].add(news)
        self._seen[chat_id] = max(seq, self._seen.get(chat_id, 0))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await news.wait()
        finally:
            self._waiting[chat_id].discard(news)
            if not self._waiting[chat_id]:
                del self._waiting[chat_id], self._seen[chat_id]

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
                # A chat that is gone wakes its waiters too: the view tells them.
                head = heads.get(chat_id)
                if chat_id in self._waiting and (head is None or head > self._seen[chat_id]):
                    for news in self._waiting[chat_id]:
                        news.set()
        await loop.run_in_executor(self._thread, connection.close)


def read_heads(ids: list[int]) -> dict[int, int]:
    """The newest seq of each chat that exists, by id."""
    close_old_connections()
    rows = Chat.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", "last_seq")
    return dict(rows)
