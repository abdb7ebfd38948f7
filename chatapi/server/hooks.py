"""What applications need from their connection: notice of disconnects and shutdowns, and room."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from chatapi.server.asgi_types import Receive, Scope

# The name of the server's ASGI extension, whose value is the request's `Connection`.
CONNECTION = "chatapi.connection"
# In an `http.request` message: the file that has the whole body, if it is not in memory.
BODY_FILE = "chatapi.body_file"


class Connection(Protocol):
    """The part of a connection that applications use."""

    on_shutdown: Callable[[], None] | None
    closing: bool  # the server is shutting down
    body_seconds: float  # the time for the whole body of the request
    in_pieces: bool  # the response is sent in pieces, each of which the client must read in time

    def abort(self) -> None:
        """Close at once; unsent data is lost."""

    def hold_on_disk(self, count: int) -> bool:
        """Count `count` more bytes of the body that go to disk. False if there is no room."""

    def release_disk(self) -> None:
        """The body is no longer on disk."""


def connection_of(scope: Scope) -> Connection | None:
    """The request's connection; None outside this server."""
    found: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    return found


async def disconnected(receive: Receive) -> None:
    """Return when the client disconnects. A body is ignored: these requests are GETs."""
    while (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def on_shutdown(scope: Scope, callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` when the server shuts down, or at once if it is already doing so."""
    connection = connection_of(scope)
    if connection is None:
        yield
        return
    connection.on_shutdown = callback
    try:
        if connection.closing:
            callback()
        yield
    finally:
        connection.on_shutdown = None
