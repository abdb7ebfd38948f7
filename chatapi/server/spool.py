"""A request's body on disk."""

import asyncio
from tempfile import TemporaryFile
from typing import IO

from django.conf import settings

from chatapi.server.asgi_types import Scope
from chatapi.server.files import file_threads
from chatapi.server.hooks import Connection, connection_of

Content = bytes | bytearray


class NoRoomError(Exception):
    """Too many bytes of other bodies are on disk."""


class Spool:
    """A file without a name in UPLOAD_DIR, created by the first `write`.

    The system removes it when it is closed, however the process ends.
    """

    def __init__(self, scope: Scope) -> None:
        self.file: IO[bytes] | None = None
        self._scope = scope
        self._holder: Connection | None = None  # counts what is on disk

    async def write(self, content: Content) -> None:
        """Raises NoRoomError."""
        await self._hold_and_run(content, is_last=False)

    async def finish(self, content: Content) -> None:
        """Write the last part, and rewind the file for its reader. Raises NoRoomError."""
        await self._hold_and_run(content, is_last=True)

    async def _hold_and_run(self, content: Content, *, is_last: bool) -> None:
        connection = connection_of(self._scope)
        if connection is not None:
            if not connection.hold_on_disk(len(content)):
                raise NoRoomError
            self._holder = connection
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(file_threads, self._write, content, is_last)

    def _write(self, content: Content, is_last: bool) -> None:
        if self.file is None:
            self.file = TemporaryFile(dir=settings.UPLOAD_DIR)  # noqa: SIM115 (`close` closes it)
        self.file.write(content)
        if is_last:
            self.file.seek(0)

    def close(self) -> None:
        """Remove the file, if there is one. Does not wait, since the task may be cancelled."""
        if self._holder is not None:
            self._holder.release_disk()
        if self.file is not None:
            file_threads.submit(self.file.close)
        self.file = self._holder = None
