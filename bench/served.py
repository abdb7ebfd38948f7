"""A server that is measured, and a round of load on it."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench import cpu, load
from bench.operations import Operation

REST_SECONDS = 20
STEP_SECONDS = 0.2


@dataclass(frozen=True)
class Served:
    """`master` is the process above all of its processes, `db` a connection to its database."""

    url: str
    folder: Path
    master: int
    db: psycopg.Connection

    def rest(self) -> None:
        """Wait until it has done what nobody waits for any more, which would burden the next."""
        deadline = time.monotonic() + REST_SECONDS
        used = cpu.web(self.master)
        while used is not None and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)
            before, used = used, cpu.web(self.master) or 0.0
            if used - before < STEP_SECONDS / 10:
                return

    def load(self, operation: Operation, seconds: int, connections: int) -> load.Sample:
        """One round by wrk, with the processor time of both sides."""
        web, database = cpu.web(self.master), cpu.backends(self.db)
        sample = load.run(operation, self.url, self.folder, seconds, connections)
        each = 1000 / max(sample.requests, 1)
        web_after, database_after = cpu.web(self.master), cpu.backends(self.db)
        self.rest()
        return replace(
            sample,
            web_cpu=None if web is None or web_after is None else (web_after - web) * each,
            database_cpu=None
            if database is None or database_after is None
            else (database_after - database) * each,
        )
