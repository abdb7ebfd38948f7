"""Deliver messages within this process: without Redis, the only one that serves the web."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import cache

from chatapi.bus.messages import Message

Receiver = Callable[[Sequence[Message]], None]


class MemoryBus:
    """Calls each receiver in the event loop that it was added from."""

    def __init__(self) -> None:
        self._receivers: list[tuple[asyncio.AbstractEventLoop, Receiver]] = []
        self._lock = threading.Lock()

    def add(self, receiver: Receiver) -> None:
        with self._lock:
            running = [each for each in self._receivers if not each[0].is_closed()]
            self._receivers = [*running, (asyncio.get_running_loop(), receiver)]

    @property
    def has_receivers(self) -> bool:
        return bool(self._receivers)

    def publish(self, messages: Sequence[Message]) -> None:
        """Deliver messages, from any thread. Never fails."""
        for loop, receiver in self._receivers:
            try:
                loop.call_soon_threadsafe(receiver, messages)
            except RuntimeError:  # the loop is closed: this process is ending
                continue


@cache
def memory_bus() -> MemoryBus:
    return MemoryBus()
