"""What long polls and streams need from their connection: notice of disconnects and shutdowns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from chatapi.server.asgi_types import Receive, Scope

# The name of the server's ASGI extension, whose value is the request's `Connection`.
CONNECTION = "chatapi.connection"


class Connection(Protocol):
    """The part of a connection that long polls and streams use."""

    on_shutdown: Callable[[], None] | None
    closing: bool  # the server is shutting down

    def abort(self) -> None:
        """Close at once; unsent data is lost."""


async def disconnected(receive: Receive) -> None:
    """Return when the client disconnects. A body is ignored: these requests are GETs."""
    while (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def on_shutdown(scope: Scope, callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` when the server shuts down, or at once if it is already doing so."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
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
