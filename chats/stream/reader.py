"""The log as the streams read it: from the event loop, in threads that hold a connection each."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, ParamSpec, TypeVar

from django.db import DatabaseError, close_old_connections

from chats import access, representations
from chats.hints import Hint, Position
from chats.models import Chat

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

THREADS = 2
Place = tuple[int, int]  # a chat, and the seq that is read on from

PAGE = 200  # events of a chat read at once
MOST_IDS = 5_000  # in one query
RETRY = 0.5  # seconds between two attempts at a database that is away

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="stream-reader")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` gives, called in a thread of ours with a connection that works."""

    def call() -> T:
        close_old_connections()  # one that failed, or is older than CONN_MAX_AGE
        return function(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_threads, call)


async def insistently(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` gives in the end, asked again until the database answers."""
    while True:
        try:
            return await function(*args, **kwargs)
        except DatabaseError as error:
            logger.warning("the log can't be read, streams go on: %s", error)
            await asyncio.sleep(RETRY)


class Batch(Generic[K, V]):
    """Questions that come while one is being asked are asked together next.

    `ask` is called in a thread with the keys of at most so many; what its answer lacks is None.
    """

    def __init__(self, ask: Callable[[list[K]], dict[K, V]], most: int) -> None:
        self._ask = ask
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """DatabaseError when the database does not answer."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while self._waiting:
            asked = dict(islice(self._waiting.items(), self._most))
            for key in asked:
                del self._waiting[key]
            try:
                found = await in_thread(self._ask, list(asked))
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # whoever asked may have gone
            else:
                for key, future in asked.items():
                    future.set_result(found.get(key))
        self._task = None


def heads(chat_ids: Iterable[int]) -> dict[int, int]:
    """The newest seq of each of these chats that exists, by id."""
    found: dict[int, int] = {}
    ids = list(chat_ids)
    for start in range(0, len(ids), MOST_IDS):
        rows = Chat.objects.filter(
            pk__in=ids[start : start + MOST_IDS], deleted_at=None, company__deleted_at=None
        )
        found.update(rows.values_list("pk", "last_seq"))
    return found


def chat_events(places: list[Place]) -> dict[Place, list[Hint]]:
    """A page of a chat's log, oldest first, after each of these places."""
    found: dict[Place, list[Hint]] = {place: [] for place in places}
    wanted = defaultdict(list)
    for place in places:
        wanted[place[0]].append(place)
    for row in access.events_after(places, PAGE):
        for place in wanted[row["chat_id"]]:
            if 0 < row["seq"] - place[1] <= PAGE:
                found[place].append(Hint.of(representations.event(row)))
    return found


def company_events(company_ids: Iterable[int], after: Position) -> list[tuple[int, Hint]]:
    """A page of what happened in companies' chats after a position, with each one's company."""
    rows = access.events_of_companies(company_ids, after, PAGE)
    return [(row["chat__company_id"], Hint.of(representations.event(row))) for row in rows]
