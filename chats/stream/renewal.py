"""Renewal: check again what subscribers may read, when their access may have changed."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from chats.access.grants import Grant
from chats.stream import admission, log_reader
from chats.stream.subscriber import Subscriber

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Renewal:
    """Renews the grants of `subscribers`, one query at a time.

    `apply` gets each subscriber with its new grant, or None when access has ended. `spawn` starts
    a background task.
    """

    def __init__(
        self,
        subscribers: set[Subscriber],
        apply: Callable[[Subscriber, Grant | None], None],
        spawn: Spawn,
    ) -> None:
        self._subscribers = subscribers
        self._apply = apply
        self._spawn = spawn
        self._due: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None
        self.change_count = 0  # changes of access announced so far
        # The subjects of the latest changes; None may concern anybody.
        self._recent_changes: deque[str | None] = deque(maxlen=256)

    def access_changed(self, subject: str | None) -> None:
        """Renew the subscribers whom a change concerns. None only counts the change."""
        self.change_count += 1
        self._recent_changes.append(subject)
        if subject is not None:
            self.schedule(s for s in self._subscribers if s.grant.concerns(subject))

    def changed_since(self, change_count: int, grant: Grant) -> bool:
        """Return whether access may have changed after the first `change_count` changes."""
        missed = self.change_count - change_count
        if missed > len(self._recent_changes):
            return True
        latest = list(self._recent_changes)[len(self._recent_changes) - missed :]
        return any(subject is None or grant.concerns(subject) for subject in latest)

    def schedule(self, subscribers: Iterable[Subscriber]) -> None:
        """Renew these subscribers soon."""
        self._due.update(subscribers)
        if self._due and self._task is None:
            self._task = self._spawn(self._run())

    async def _run(self) -> None:
        try:
            while self._due:
                due, self._due = list(self._due & self._subscribers), set()
                grants = {subscriber.grant for subscriber in due}
                if grants:
                    renewed = await log_reader.retry_until_available(
                        log_reader.ADMISSION_POOL.call, admission.renew, grants
                    )
                    for subscriber in due:
                        if subscriber in self._subscribers:
                            self._apply(subscriber, renewed.get(subscriber.grant))
        finally:
            self._task = None
