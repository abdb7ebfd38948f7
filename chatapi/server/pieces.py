"""Responses that are sent in pieces, each when the client has read the earlier ones.

Between two pieces such a response occupies no thread. Each piece may come from another thread, so
an iterator must not keep a cursor of the database open from one piece to the next.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from threading import Lock

from chatapi.observability.request_id import request_id
from chatapi.server.asgi_types import Message, Receive, Scope, Send
from chatapi.server.hooks import connection_of, disconnected

logger = logging.getLogger(__name__)

# What a slow client holds, at most twice. Smaller pieces cost the threads and the event loop more.
PIECE_BYTES = 256 * 1024


def gather(parts: Iterator[bytes], least: int) -> bytes:
    """Join parts until they have at least `least` bytes. Fewer are the last ones."""
    found: list[bytes] = []
    size = 0
    for part in parts:
        found.append(part)
        size += len(part)
        if size >= least:
            break
    return found[0] if len(found) == 1 else b"".join(found)


class Pieces:
    """What a response still has to send. `parts` and `close` are called in `threads`."""

    def __init__(
        self, parts: Iterator[bytes], close: Callable[[], None], threads: Executor
    ) -> None:
        self._parts = parts
        self._close = close
        self._threads = threads
        # A task that is cancelled closes the response while a thread may be reading it.
        self._lock = Lock()

    async def next(self) -> bytes:
        """The next piece; empty at the end. Raises what the response raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read)

    def _read(self) -> bytes:
        with self._lock:
            return gather(self._parts, PIECE_BYTES)

    def close(self) -> None:
        """Close the response. Does not wait, since the task may be cancelled."""
        self._threads.submit(self._close_logged)

    def _close_logged(self) -> None:
        try:
            with self._lock:
                self._close()
        except Exception:
            logger.exception("a response could not be closed")


async def send_pieces(
    start: Message, beginning: bytes, rest: Pieces, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a response, and close it when it ends or the client disconnects."""
    connection = connection_of(scope)
    if connection is not None:
        connection.in_pieces = True
    disconnection = asyncio.ensure_future(disconnected(receive))
    piece = beginning
    try:
        await send(start)
        while piece and not disconnection.done():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await rest.next()
        if not disconnection.done():
            await send({"type": "http.response.body", "body": b""})
    except Exception:
        if connection is None:
            raise
        token = request_id.set(dict(start["headers"]).get(b"x-request-id", b"-").decode("latin-1"))
        logger.exception("%s %r broke off", scope["method"], scope["path"])
        request_id.reset(token)
        connection.abort()
        await disconnection
    finally:
        disconnection.cancel()
        rest.close()
