"""Run a WSGI application behind ASGI, in threads that never wait for the event loop."""

import asyncio
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, NamedTuple

from chatapi.server.asgi_types import Receive, Scope, Send
from chatapi.server.hooks import BODY_FILE

# Headers whose names in the environment have no `HTTP_` in front.
UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class Response(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class WSGIBridge:
    """Run `app` in a pool of `threads`. The body must arrive in one message, as from BodyReader.

    Libraries that send a response in pieces make the thread wait for the event loop once for each
    piece, which took most of a request's time in the server. Here the thread returns the whole
    response at once.
    """

    def __init__(self, app: Any, threads: int) -> None:
        self.app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await receive()
        body = request.get(BODY_FILE) or io.BytesIO(request.get("body", b""))
        environ = build_environ(scope, body)
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._pool, self._run, environ)
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.headers,
            }
        )
        await send({"type": "http.response.body", "body": response.content})

    def _run(self, environ: dict[str, Any]) -> Response:
        """Call the application in a worker thread. Its exceptions propagate."""
        head: list[Any] = []
        content: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Any:
            head[:] = status, headers
            return content.append

        parts: Iterable[bytes] = self.app(environ, start_response)
        try:
            content.extend(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        status, headers = head
        return Response(
            int(status[:3]),
            [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            b"".join(content),
        )


def build_environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """Build the WSGI environment of a request (PEP 3333)."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope["headers"]:
        name = (
            UNPREFIXED.get(header) or f"HTTP_{header.decode('latin-1').upper().replace('-', '_')}"
        )
        text = value.decode("latin-1")
        environ[name] = f"{environ[name]},{text}" if name in environ else text
    return environ
