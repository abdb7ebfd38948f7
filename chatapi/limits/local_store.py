"""Rate limits in a file that the processes of one machine share."""

import time
from collections.abc import Sequence
from pathlib import Path

from chatapi.db.local_file import LocalFile


class LocalStore:
    """A `chatapi.limits.limiter.Store`; each operation is one transaction of SQLite."""

    SWEEP_EVERY = 500  # about one call in 500, chosen by the clock, deletes expired rows

    def __init__(self, path: Path | str) -> None:
        self._file = LocalFile(
            path,
            "CREATE TABLE IF NOT EXISTS arrivals"
            " (key TEXT PRIMARY KEY, arrival INTEGER NOT NULL) WITHOUT ROWID",
        )

    def take(self, keys: Sequence[str], buckets: Sequence[tuple[int, int]]) -> list[int]:
        with self._file.writing() as connection:
            now = time.time_ns() // 1000
            slacks, arrivals = [], []
            for key, (interval, depth) in zip(keys, buckets, strict=True):
                row = connection.execute(
                    "SELECT arrival FROM arrivals WHERE key = ?", [key]
                ).fetchone()
                arrival = max(row[0] if row else 0, now) + interval
                arrivals.append((key, arrival))
                slacks.append(now - (arrival - depth))
            if min(slacks) >= 0:
                connection.executemany("INSERT OR REPLACE INTO arrivals VALUES (?, ?)", arrivals)
            if now % self.SWEEP_EVERY == 0:
                connection.execute("DELETE FROM arrivals WHERE arrival < ?", [now])
        return slacks

    def give_back(self, key: str, interval: int) -> None:
        self._file.connection.execute(
            "UPDATE arrivals SET arrival = arrival - ? WHERE key = ?", [interval, key]
        )
