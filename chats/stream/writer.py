"""One reader's end of a stream: what is on its way to it, and no more than fits."""

import asyncio
import random
import time
from collections.abc import Hashable

from django.conf import settings

from chatapi.server.body import CONNECTION, Scope, Send

Headers = list[tuple[bytes, bytes]]

WRITE_TIMEOUT = 60  # that a page of the log may take to be read
MAX_EPHEMERAL = 200  # kept for a reader that is slow
END_TIMEOUT = 0.7  # that the last words may take


def retry_field(shortest: int, longest: int) -> bytes:
    """How long a client waits before it comes back: another time each, so that not all do at once.

    Milliseconds.
    """
    return b"retry: %d\n\n" % random.randint(shortest, longest)  # noqa: S311


class Writer:
    """Opens with `headers` and sends at once what is pushed, as far as the reader keeps up.

    A reader that is behind by more is cut off, and comes back with the id of the last event it
    read. Nobody waits for it.
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
        # What replaces what was said before under its key, and until when it is worth saying.
        self._ephemeral: dict[Hashable, tuple[float, bytes]] | None = None
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    async def write(self, data: bytes) -> None:
        """Send `data`, however much it is, and wait until it has gone; it must, in a minute."""
        if self.closed:
            return
        self._pending.append(data)
        self._flush_soon()
        assert self._task is not None
        done, _ = await asyncio.wait({self._task}, timeout=WRITE_TIMEOUT)
        if not done:
            self.abort()

    def push(self, data: bytes) -> None:
        """Send `data` as soon as the reader takes it."""
        if self.closed:
            return
        self._size += len(data)
        if self._size > settings.STREAM_BUFFER_BYTES:
            self.abort()
            return
        self._pending.append(data)
        self._flush_soon()

    def push_ephemeral(self, key: Hashable, data: bytes, seconds: float) -> None:
        """The same for what is of no use after `seconds`, or once more is said under its key."""
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
                        data for until, data in self._ephemeral.values() if until > now
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
        """Send `data` as the last of the stream; a reader that does not take it soon is cut off."""
        if not self.closed:
            self.closed = True
            self._pending.append(data)
            self._flush_soon()
            asyncio.get_running_loop().call_later(END_TIMEOUT, self._abort_if_stuck)

    def _abort_if_stuck(self) -> None:
        if self._task is not None:
            self.abort()

    def abort(self) -> None:
        """End the connection at once; what is on its way is lost."""
        self.close()
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Send no more: the reader has gone."""
        self.closed = True
        self._pending.clear()
        self._ephemeral = None
