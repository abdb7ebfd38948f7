"""Requests with large bodies are handled one at a time, except while they wait for a storage.

Parsing and hashing a body takes the interpreter's lock most of the time. Several at once would slow
down all other requests; a storage that is slow must not keep the next one waiting.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """A lock that its holder can give up for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._lock:
            self._thread.has_it = True
            try:
                yield
            finally:
                self._thread.has_it = False

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Let another thread have the turn during the block, if this one has it."""
        if not getattr(self._thread, "has_it", False):
            yield
            return
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


large_turn = Turn()
