"""State that the processes of one machine share without Redis, in an SQLite file.

It need not survive a crash. It is not in the application's database because what is written here
must remain when a request's transaction is rolled back, and must not wait for other writers.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LocalFile:
    """A file with the tables of `schema`. Each thread of each process has its own connection."""

    def __init__(self, path: Path | str, schema: str) -> None:
        self.path = str(path)
        self.schema = schema
        self._local = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        if getattr(self._local, "pid", None) != os.getpid():
            connection = sqlite3.connect(self.path, timeout=5, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(self.schema)
            self._local.connection, self._local.pid = connection, os.getpid()
        connection = self._local.connection
        assert isinstance(connection, sqlite3.Connection)
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in a transaction that excludes all other writers."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
