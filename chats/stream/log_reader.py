"""The log as the streams read it: from the event loop, in threads that hold a connection each."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, ParamSpec, TypeVar

from django.db import Error, close_old_connections

from chats import representations
from chats.access import events as event_access
from chats.access.chats import live_chats
from chats.hints import Hint, Position

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ChatSeq = tuple[int, int]  # a chat, and a seq there: of an event, or that is read on from

PAGE = 100  # events read at once, of a chat or of a company
MAX_IDS = 5_000  # in one query
RETRY = 0.5  # seconds between two attempts at a database that is away


class ThreadPool:
    """So many threads for one kind of work, that no other kind keeps waiting."""

    def __init__(self, name: str, number: int) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=f"stream-{name}")
        self._number = number

    def start(self) -> None:
        """Have them all from now on, and never another one."""
        for _ in range(self._number):
            self._pool.submit(time.sleep, 0.01)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` gives, called in a thread with a connection that works."""

        def call() -> T:
            close_old_connections()  # one that failed, or is older than CONN_MAX_AGE
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


LOG_POOL = ThreadPool("log", 2)  # what happened
ADMISSION_POOL = ThreadPool("door", 1)  # who may read it
BACKGROUND_POOL = ThreadPool("aside", 1)  # what nobody's reading waits for


async def retry_until_available(
    function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `function` gives in the end, asked again until the database answers."""
    while True:
        try:
            return await function(*args, **kwargs)
        except Error as error:
            logger.warning("the log can't be read, streams go on: %s", error)
            await asyncio.sleep(RETRY)


class Batcher(Generic[K, V]):
    """Questions that come while one is being asked are asked together next, at most so many.

    What the answer of `ask` lacks is None. A key that can't be answered does not spoil the others.
    """

    def __init__(
        self, threads: ThreadPool, fetch: Callable[[list[K]], dict[K, V]], max_size: int
    ) -> None:
        self._threads = threads
        self._fetch = fetch
        self._max_size = max_size
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """`django.db.Error` when the database does not answer."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while self._waiting:
            asked = dict(islice(self._waiting.items(), self._max_size))
            for key in asked:
                del self._waiting[key]
            try:
                await self._answer(asked)
            except Error as error:
                fail(asked.values(), error)
            except Exception:
                for key, future in asked.items():
                    try:
                        await self._answer({key: future})
                    except Exception as error:
                        fail([future], error)
        self._task = None

    async def _answer(self, asked: "dict[K, asyncio.Future[V | None]]") -> None:
        found = await self._threads.call(self._fetch, list(asked))
        for key, future in asked.items():
            future.set_result(found.get(key))


def fail(futures: "Iterable[asyncio.Future[V | None]]", error: Exception) -> None:
    for future in futures:
        future.set_exception(error)
        future.exception()  # whoever asked may have gone


# --- In a thread ------------------------------------------------------------------------------


def heads(chat_ids: Iterable[int]) -> dict[int, int]:
    """The newest seq of each of these chats that exists, by id."""
    found: dict[int, int] = {}
    ids = list(chat_ids)
    for start in range(0, len(ids), MAX_IDS):
        rows = live_chats().filter(pk__in=ids[start : start + MAX_IDS])
        found.update(rows.values_list("pk", "last_seq"))
    return found


def chat_events(spots: list[ChatSeq]) -> dict[ChatSeq, list[Hint]]:
    """A page of a chat's log, oldest first, after each of these."""
    found: dict[ChatSeq, list[Hint]] = {spot: [] for spot in spots}
    wanted = defaultdict(list)
    for spot in spots:
        wanted[spot[0]].append(spot)
    for row in event_access.events_after_each(spots, PAGE):
        for spot in wanted[row["chat_id"]]:
            if 0 < row["seq"] - spot[1] <= PAGE:
                found[spot].append(Hint.of(representations.event(row)))
    return found


def events_at(spots: Iterable[ChatSeq]) -> dict[ChatSeq, Hint]:
    """These events, each by its chat and seq; those of chats that were deleted are left out."""
    rows = event_access.events_at(spots)
    return {(row["chat_id"], row["seq"]): Hint.of(representations.event(row)) for row in rows}


def company_events(company_ids: Iterable[int], after: Position) -> list[tuple[int, Hint]]:
    """A page of what happened in companies' chats after a position, with each one's company."""
    rows = event_access.company_events(company_ids, after, PAGE)
    return [(row["company_id"], Hint.of(representations.event(row))) for row in rows]
