"""Read and normalise a request before it occupies a worker thread."""

import re
from urllib.parse import quote_from_bytes

from chatapi.server.asgi_types import App, Message, Receive, Scope, Send

# Everything is UTF-8. Django would decode even the query string with a charset given here, or fail.
CHARSET = re.compile(rb";\s*charset\s*=[^;]*", re.IGNORECASE)
# Characters that a query string may contain; all others are percent-encoded.
QUERY_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


class BodyReader:
    """Read a request's whole body, at most `max_bytes`, before calling `app` with its length.

    A slow body therefore occupies no thread, and a chunked one has the length that Django needs.
    A body that is too large is cut one byte past the limit, so that the parser refuses it.
    """

    def __init__(self, app: App, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

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
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
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
            if len(content) > self.max_bytes:
                return bytes(content[: self.max_bytes + 1])
            if not message.get("more_body", False):
                return bytes(content)
