"""Read and normalise a request before it occupies a worker thread; answer errors outside Django."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import quote_from_bytes

from django.conf import settings

from chatapi.api.encoding import dumps
from chatapi.api.errors import ApiError, ErrorCode, body
from chatapi.observability.request_id import GIVEN, request_id

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The server's ASGI extension: the request's connection, a `Connection`.
CONNECTION = "chatapi.connection"

# Everything is UTF-8. Django would decode even the query string with a charset given here, or fail.
CHARSET = re.compile(rb";\s*charset\s*=[^;]*", re.IGNORECASE)
# Characters that a query string may contain; all others are percent-encoded.
QUERY_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


class Guard:
    """Log an exception raised outside Django and answer it in the shape of the API's errors."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, note)
        except Exception:
            if started or scope["type"] != "http":
                raise
            with identified(scope):
                logger.exception("%s %r failed", scope["method"], scope["path"])
                await answer_error(send, ApiError(500, ErrorCode.SERVER_ERROR))


@contextmanager
def identified(scope: Scope) -> Iterator[str]:
    """Set the request id as RequestIdMiddleware does, for requests that never reach Django."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    identifier = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
    token = request_id.set(identifier)
    try:
        yield identifier
    finally:
        request_id.reset(token)


def error_answer(error: ApiError) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an error response sent outside Django. Any origin may read it."""
    headers = {
        "content-type": "application/json",
        "cache-control": "no-store, private",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": ", ".join(settings.CORS_EXPOSE_HEADERS),
        "x-request-id": request_id.get(),
        **{name.lower(): value for name, value in (error.headers or {}).items()},
    }
    content = dumps(body(error.error_code, error.message, error.errors))
    return [(name.encode(), value.encode()) for name, value in headers.items()], content


async def answer_error(send: Send, error: ApiError) -> None:
    """Send an error response outside Django."""
    headers, content = error_answer(error)
    await send(
        {"type": "http.response.start", "status": error.status_code, "headers": headers},
    )
    await send({"type": "http.response.body", "body": content})


class Intake:
    """Read a request's whole body, at most `most` bytes, before calling `app` with its length.

    A slow body therefore occupies no thread, and a chunked one has the length that Django needs.
    One that is too large is cut one byte past the limit, so that the parser refuses it.
    """

    def __init__(self, app: App, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        content = await self.read(receive)
        if content is None:
            return
        headers = [
            (name, CHARSET.sub(b"", value) if name == b"content-type" else value)
            for name, value in scope["headers"]
            # In WSGI, `x_forwarded_for` would be the same as `x-forwarded-for`: drop the former.
            if b"_" not in name and name not in {b"content-length", b"transfer-encoding"}
        ]
        headers.append((b"content-length", str(len(content)).encode()))
        query = quote_from_bytes(scope["query_string"], safe=QUERY_SAFE).encode()
        handed = False

        async def replay() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": content, "more_body": False}

        await self.app({**scope, "headers": headers, "query_string": query}, replay, send)

    async def read(self, receive: Receive) -> bytes | None:
        """Return the body, cut one byte past the limit, or None if the client disconnected."""
        content = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            content += message.get("body", b"")
            if len(content) > self.most:
                return bytes(content[: self.most + 1])
            if not message.get("more_body", False):
                return bytes(content)


async def disconnected(receive: Receive) -> None:
    """Return when the client disconnects. A body is ignored: these requests are GETs."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Connection(Protocol):
    """The part of a connection that long polls and streams use."""

    on_shutdown: Callable[[], None] | None
    closing: bool  # the server is shutting down

    def abort(self) -> None:
        """Close at once; unsent data is lost."""


@contextmanager
def on_shutdown(scope: Scope, call: Callable[[], None]) -> Iterator[None]:
    """Call `call` when the server shuts down, or at once if it already is."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is None:
        yield
        return
    connection.on_shutdown = call
    try:
        if connection.closing:
            call()
        yield
    finally:
        connection.on_shutdown = None
