"""What comes from the network, made what WSGI expects, before it costs a thread."""

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

# Our server's extension of ASGI: the connection of the request, a `Connection`.
CONNECTION = "chatapi.connection"

# All is UTF-8; Django would decode even the query string by what is named here, or fail to.
CHARSET = re.compile(rb";\s*charset\s*=[^;]*", re.IGNORECASE)
# All that may stand in a query string as it is; the rest is percent-encoded.
QUERY_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


class Guard:
    """A bug outside Django is logged, and answered in the API's shape as one inside is."""

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
    """The request's id, as RequestIdMiddleware takes or makes it, for what Django never sees."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    identifier = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
    token = request_id.set(identifier)
    try:
        yield identifier
    finally:
        request_id.reset(token)


def error_answer(error: ApiError) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of the answer to what fails outside Django. Any origin may read it."""
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
    """Answer with the error body, outside Django."""
    headers, content = error_answer(error)
    await send(
        {"type": "http.response.start", "status": error.status_code, "headers": headers},
    )
    await send({"type": "http.response.body", "body": content})


class Intake:
    """Reads a request's body to the end, at most `most` bytes, and hands it on with its length.

    So a body that drips in holds no thread, one sent in chunks has the length that Django asks for,
    and one that is too large is cut one byte past the limit, for the parser to refuse.
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
            # WSGI can't tell `x_forwarded_for` from `x-forwarded-for`, so only the latter passes.
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
        """The body, cut one byte past the limit; None when the client has gone."""
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
    """Return when the client has gone; a body, which a GET has no use for, is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Connection(Protocol):
    """What our server lets who waits, or streams, ask of the connection."""

    on_shutdown: Callable[[], None] | None
    closing: bool  # the server goes

    def abort(self) -> None:
        """End it at once; what is on its way is lost."""


@contextmanager
def on_shutdown(scope: Scope, call: Callable[[], None]) -> Iterator[None]:
    """Have `call` called when the server goes; at once if it is going already."""
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
