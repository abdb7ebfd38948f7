"""What the processes of one machine share when there is no Redis: a file of SQLite.

It need not outlive a crash, and it is not the application's database: what is written here must
stand when a request's transaction is rolled back, and must not queue behind its writers.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LocalFile:
    """One file, with the tables of `schema`; a connection for each thread of each process."""

    def __init__(self, path: Path | str, schema: str) -> None:
        self.path = str(path)
        self.schema = schema
        self._own = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        if getattr(self._own, "pid", None) != os.getpid():
            connection = sqlite3.connect(self.path, timeout=5, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(self.schema)
            self._own.connection, self._own.pid = connection, os.getpid()
        connection = self._own.connection
        assert isinstance(connection, sqlite3.Connection)
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which no other process writes into."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
