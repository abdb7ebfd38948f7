"""Read the log from the event loop, in threads with one database connection each."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, NamedTuple, ParamSpec, TypeVar

from django.db import Error, close_old_connections

from chats import representations
from chats.access import events as event_access
from chats.hints import Hint, LogPosition, Place, Position

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class PageRequest(NamedTuple):
    """A page of a chat's log, or of both of its logs, after the entry with this number."""

    chat_id: int
    after: int


PAGE = 100  # events per page of a log
MAX_IDS = 5_000  # per query
RETRY_SECONDS = 0.5  # between attempts while the database is down


class ThreadPool:
    """A fixed number of threads for one kind of work, so that no other kind delays it."""

    def __init__(self, name: str, number: int) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=f"stream-{name}")
        self._number = number

    def start(self) -> None:
        """Start all threads now, so that none starts later."""
        for _ in range(self._number):
            self._pool.submit(time.sleep, 0.01)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread with a working database connection."""

        def call() -> T:
            close_old_connections()  # failed ones, and those older than CONN_MAX_AGE
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


LOG_POOL = ThreadPool("log", 2)
ADMISSION_POOL = ThreadPool("admission", 1)
BACKGROUND_POOL = ThreadPool("background", 1)  # work that no client waits for


async def retry_until_available(
    function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call `function`, retrying until the database answers."""
    while True:
        try:
            return await function(*args, **kwargs)
        except Error as error:
            logger.warning("the log cannot be read, retrying: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


class Batcher(Generic[K, V]):
    """Collects the keys requested while a query runs, and fetches up to `max_size` of them next.

    A key that `fetch` does not return gives None. A key that makes `fetch` fail is retried alone,
    so that the others succeed.
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
        """Raises django.db.Error when the database does not answer."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while self._waiting:
            batch = dict(islice(self._waiting.items(), self._max_size))
            for key in batch:
                del self._waiting[key]
            try:
                await self._resolve(batch)
            except Error as error:
                fail(batch.values(), error)
            except Exception:
                for key, future in batch.items():
                    try:
                        await self._resolve({key: future})
                    except Exception as error:
                        fail([future], error)
        self._task = None

    async def _resolve(self, batch: "dict[K, asyncio.Future[V | None]]") -> None:
        found = await self._threads.call(self._fetch, list(batch))
        for key, future in batch.items():
            future.set_result(found.get(key))


def fail(futures: "Iterable[asyncio.Future[V | None]]", error: Exception) -> None:
    for future in futures:
        future.set_exception(error)
        future.exception()  # mark it as retrieved: the caller may be gone


# --- Functions that run in a thread ----------------------------------------------------------


def heads(chat_ids: Iterable[int]) -> dict[int, LogPosition]:
    """The ends of the logs of these chats, by id; chats that do not exist are absent."""
    found: dict[int, LogPosition] = {}
    ids = list(chat_ids)
    for start in range(0, len(ids), MAX_IDS):
        found.update(event_access.heads(ids[start : start + MAX_IDS]))
    return found


def chat_events(requests: list[PageRequest]) -> dict[PageRequest, list[Hint]]:
    """The pages of chats' own logs, oldest first, in one query."""
    found: dict[PageRequest, list[Hint]] = {request: [] for request in requests}
    wanted = defaultdict(list)
    for request in requests:
        wanted[request.chat_id].append(request)
    for row in event_access.events_after_each(requests, PAGE):
        for request in wanted[row["chat_id"]]:
            if 0 < row["seq"] - request.after <= PAGE:
                found[request].append(Hint.from_event(representations.event(row)))
    return found


def member_events(requests: list[PageRequest]) -> dict[PageRequest, list[Hint]]:
    """The pages of both logs of chats, oldest first, with queries for each."""
    ends = event_access.heads({request.chat_id for request in requests})
    return {
        request: members_page(request, ends[request.chat_id])
        for request in requests
        if request.chat_id in ends
    }


def members_page(request: PageRequest, end: LogPosition) -> list[Hint]:
    entries = event_access.entries_after(request.chat_id, request.after, PAGE, end)
    return [
        Hint.from_event(representations.event(row), position.member_seq)
        for position, row in entries
    ]


def total_at(chat_id: int, seq: int) -> int:
    """The number of entries of both logs up to the chat's event with this seq."""
    return LogPosition(seq, event_access.member_seq_before(chat_id, seq)).total


def events_at(places: Iterable[Place]) -> dict[Place, Hint]:
    """These events; those of deleted chats are absent."""
    hints = (Hint.from_event(representations.event(row)) for row in event_access.events_at(places))
    return {hint.position.place: hint for hint in hints}


def company_events(company_ids: Iterable[int], after: Position) -> list[tuple[int, Hint]]:
    """A page of the companies' events after a position, each with its company id."""
    rows = event_access.company_events(company_ids, after, PAGE)
    return [(row["company_id"], Hint.from_event(representations.event(row))) for row in rows]
