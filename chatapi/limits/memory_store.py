"""Rate limits in the memory of a process."""

import threading
import time
from collections.abc import Sequence


class MemoryStore:
    """A `chatapi.limits.limiter.Store`; a lock makes each operation atomic."""

    SWEEP_EVERY = 1_000  # calls between two deletions of expired keys

    def __init__(self) -> None:
        self._arrivals: dict[str, int] = {}
        self._lock = threading.Lock()
        self._calls = 0

    def take(self, keys: Sequence[str], buckets: Sequence[tuple[int, int]]) -> list[int]:
        with self._lock:
            now = time.monotonic_ns() // 1000
            arrivals = {
                key: max(self._arrivals.get(key, 0), now) + cost
                for key, (cost, _) in zip(keys, buckets, strict=True)
            }
            slacks = [
                now - (arrival - depth)
                for arrival, (_, depth) in zip(arrivals.values(), buckets, strict=True)
            ]
            if min(slacks) >= 0:
                self._arrivals |= arrivals
            self._calls += 1
            if self._calls % self.SWEEP_EVERY == 0:
                self._arrivals = {key: at for key, at in self._arrivals.items() if at > now}
        return slacks

    def give_back(self, key: str, cost: int) -> None:
        with self._lock:
            if key in self._arrivals:
                self._arrivals[key] -= cost

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._arrivals.clear()
