"""What comes from the network, made what WSGI expects, before it costs a thread."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote_from_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# All that may stand in a query string as it is; the rest is percent-encoded.
QUERY_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


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
        body = await self.read(receive)
        if body is None:
            return
        headers = [
            (name, value)
            for name, value in scope["headers"]
            # WSGI can't tell `x_forwarded_for` from `x-forwarded-for`, so only the latter passes.
            if b"_" not in name and name not in {b"content-length", b"transfer-encoding"}
        ]
        headers.append((b"content-length", str(len(body)).encode()))
        query = quote_from_bytes(scope["query_string"], safe=QUERY_SAFE).encode()
        handed = False

        async def replay() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app({**scope, "headers": headers, "query_string": query}, replay, send)

    async def read(self, receive: Receive) -> bytes | None:
        """The body, cut one byte past the limit; None when the client has gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self.most:
                return bytes(body[: self.most + 1])
            if not message.get("more_body", False):
                return bytes(body)
