"""Read and normalise a request before it occupies a worker thread."""

import re
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from django.conf import settings

from chatapi.server.asgi_types import App, Headers, Message, Receive, Scope, Send
from chatapi.server.errors import identified, send_error
from chatapi.server.hooks import BODY_FILE, connection_of
from chatapi.server.refusals import too_many
from chatapi.server.spool import NoRoomError, Spool

# Everything is UTF-8. Django would decode even the query string with a charset given here, or fail.
CHARSET = re.compile(rb";\s*charset\s*=[^;]*", re.IGNORECASE)
# Characters that a query string may contain; all others are percent-encoded.
QUERY_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))

MAX_BYTES_IN_MEMORY = 256 * 1024

# The number of bytes that the body of a request may have, by its method, path and content type.
Limit = Callable[[str, str, str], int]


class DisconnectedError(Exception):
    """The client disconnected before it had sent the whole body."""


class BodyReader:
    """Read a request's whole body before calling `app` with its length.

    A slow body therefore occupies no thread, and a chunked one has the length that Django needs. A
    body of more than MAX_BYTES_IN_MEMORY is in a file.

    Every route takes `max_bytes`; `limit` says which ones take more. A body that is too large does
    not reach `app`, but its length is one byte past the limit, so that the view refuses it.
    """

    def __init__(self, app: App, max_bytes: int, limit: Limit | None = None) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.limit = limit or (lambda method, path, content_type: max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        length, limit = announced_length(scope["headers"]), self.max_bytes
        if length is None or length > limit:
            content_type = content_type_of(scope["headers"])
            limit = max(limit, self.limit(scope["method"], scope["path"], content_type))
            connection = connection_of(scope)
            if limit > self.max_bytes and connection is not None:
                connection.body_seconds = seconds_for(min(length or limit, limit))
        spool = Spool(scope)
        try:
            if length is not None and length > limit:
                content, size = b"", limit + 1
            else:
                content, size = await read(receive, limit, spool)
            request: Message = {"type": "http.request", "body": content, "more_body": False}
            if spool.file is not None:
                request[BODY_FILE] = spool.file
            await self.app(normalise(scope, size), replay(request, receive), send)
        except DisconnectedError:
            return
        except NoRoomError:
            with identified(scope):
                error = too_many("Too many uploads at once.", settings.CLIENT_SECONDS)
                await send_error(send, error)
        finally:
            spool.close()


def normalise(scope: Scope, length: int) -> Scope:
    """The request as Django reads it, with the length of its body."""
    headers = [
        (name, CHARSET.sub(b"", value) if name == b"content-type" else value)
        for name, value in scope["headers"]
        # In WSGI, `x_forwarded_for` would be the same as `x-forwarded-for`: drop the former.
        if b"_" not in name and name not in {b"content-length", b"transfer-encoding"}
    ]
    headers.append((b"content-length", str(length).encode()))
    query = quote_from_bytes(scope["query_string"], safe=QUERY_SAFE).encode()
    return {**scope, "headers": headers, "query_string": query}


def replay(request: Message, receive: Receive) -> Receive:
    """Receive `request`, and then what `receive` does."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return request

    return receive_again


def announced_length(headers: Headers) -> int | None:
    """The length of the body, or None if it comes in chunks."""
    found = dict(headers)
    if b"transfer-encoding" in found:
        return None
    return int(found[b"content-length"]) if b"content-length" in found else 0


def content_type_of(headers: Headers) -> str:
    return dict(headers).get(b"content-type", b"").decode("latin-1")


def seconds_for(length: int) -> float:
    """The time for a body that may be longer than MAX_BODY_BYTES."""
    return max(settings.BODY_SECONDS, length / settings.UPLOAD_BYTES_PER_SECOND)


async def read(receive: Receive, limit: int, spool: Spool) -> tuple[bytes, int]:
    """The content of a body, which is empty if it is in the spool or too large, and its length."""
    content, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        portion = message.get("body", b"")
        size += len(portion)
        if size > limit:
            spool.close()
            return b"", limit + 1
        content += portion
        if len(content) > MAX_BYTES_IN_MEMORY:
            await spool.write(content)
            content = bytearray()
        if not message.get("more_body", False):
            break
    if spool.file is None:
        return bytes(content), size
    await spool.finish(content)
    return b"", size
