"""Ephemeral messages between the processes of one machine, which has no Redis."""

import time
from collections.abc import Sequence
from functools import cache

from django.conf import settings

from chatapi.db.local_file import LocalFile

Message = tuple[str, bytes]  # a channel's name and the payload


class LocalMessages:
    """A file of messages, which are deleted after `KEEP_SECONDS`."""

    KEEP_SECONDS = 10.0

    def __init__(self) -> None:
        self._file = LocalFile(
            settings.DATA_DIR / "notes.sqlite3",
            "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " at REAL NOT NULL, channel TEXT NOT NULL, payload BLOB NOT NULL)",
        )

    def append(self, messages: Sequence[Message]) -> None:
        now = time.time()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM notes WHERE at < ?", [now - self.KEEP_SECONDS])
            connection.executemany(
                "INSERT INTO notes (at, channel, payload) VALUES (?, ?, ?)",
                [(now, name, payload) for name, payload in messages],
            )

    def last_id(self) -> int:
        """The id of the newest message; 0 if there has been none."""
        row = self._file.connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'notes'"
        ).fetchone()
        return int(row[0]) if row else 0

    def after(self, message_id: int) -> list[tuple[int, str, bytes]]:
        """The id, channel and payload of each message after `message_id`."""
        return self._file.connection.execute(
            "SELECT id, channel, payload FROM notes WHERE id > ? ORDER BY id", [message_id]
        ).fetchall()


@cache
def local_messages() -> LocalMessages:
    return LocalMessages()
