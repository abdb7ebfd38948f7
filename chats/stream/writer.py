"""Write a stream to one client, through a bounded buffer."""

import asyncio
import secrets
import time
from collections.abc import Hashable

from django.conf import settings

from chatapi.server.asgi_types import Scope, Send
from chatapi.server.hooks import CONNECTION

Headers = list[tuple[bytes, bytes]]

WRITE_TIMEOUT = 60  # seconds for a client to read a page of the log
MAX_EPHEMERAL = 200  # events buffered for a slow client
END_TIMEOUT = 0.7  # seconds for a client to read the last event


def retry_field(shortest: int, longest: int) -> bytes:
    """A `retry:` field with a random delay in milliseconds, so that clients do not all reconnect
    at once."""
    return b"retry: %d\n\n" % (shortest + secrets.randbelow(longest - shortest + 1))


class Writer:
    """Starts the response with `headers`, and sends pushed data as fast as the client reads it.

    A client whose buffer overflows is disconnected; it reconnects with the id of the last event it
    read. Nothing waits for a slow client.
    """

    __slots__ = (
        "_connection",
        "_ephemeral",
        "_head",
        "_pending",
        "_send",
        "_size",
        "_task",
        "closed",
    )

    def __init__(self, scope: Scope, send: Send, headers: Headers) -> None:
        self._send = send
        self._connection = scope.get("extensions", {}).get(CONNECTION)
        self._head: Headers | None = headers
        self._pending: list[bytes] = []
        self._size = 0
        # Ephemeral data by key, each with the time at which it expires.
        self._ephemeral: dict[Hashable, tuple[float, bytes]] | None = None
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    async def write(self, data: bytes) -> None:
        """Send `data` of any size, and wait until it is sent. Aborts after WRITE_TIMEOUT."""
        if self.closed:
            return
        self._pending.append(data)
        self._flush_soon()
        assert self._task is not None
        done, _ = await asyncio.wait({self._task}, timeout=WRITE_TIMEOUT)
        if not done:
            self.abort()

    def push(self, data: bytes) -> None:
        """Send `data` as soon as the client reads it."""
        if self.closed:
            return
        self._size += len(data)
        if self._size > settings.STREAM_BUFFER_BYTES:
            self.abort()
            return
        self._pending.append(data)
        self._flush_soon()

    def push_ephemeral(self, key: Hashable, data: bytes, seconds: float) -> None:
        """Send `data`, unless it expires after `seconds` or is replaced under its key first."""
        if self.closed:
            return
        if self._ephemeral is None:
            self._ephemeral = {}
        if key in self._ephemeral or len(self._ephemeral) < MAX_EPHEMERAL:
            self._ephemeral[key] = (time.monotonic() + seconds, data)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            if self._head is not None:
                headers, self._head = self._head, None
                start = {"type": "http.response.start", "status": 200, "headers": headers}
                await self._send(start)
            while self._pending or self._ephemeral:
                if self._ephemeral:
                    now = time.monotonic()
                    self._pending += [
                        data for expires_at, data in self._ephemeral.values() if expires_at > now
                    ]
                    self._ephemeral = None
                data = b"".join(self._pending)
                self._pending.clear()
                self._size = 0
                await self._send(
                    {"type": "http.response.body", "body": data, "more_body": not self.closed}
                )
        finally:
            self._task = None

    def end(self, data: bytes) -> None:
        """Send `data` as the last event. Aborts if the client does not read it in END_TIMEOUT."""
        if not self.closed:
            self.closed = True
            self._pending.append(data)
            self._flush_soon()
            asyncio.get_running_loop().call_later(END_TIMEOUT, self._abort_if_stuck)

    def _abort_if_stuck(self) -> None:
        if self._task is not None:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once; buffered data is lost."""
        self.close()
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Stop sending, because the client has disconnected."""
        self.closed = True
        self._pending.clear()
        self._ephemeral = None
