"""Run a WSGI application behind ASGI, in threads that never wait for the event loop."""

import asyncio
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any, NamedTuple
from wsgiref.util import FileWrapper

from django.db import close_old_connections

from chatapi.server.asgi_types import Headers, Receive, Scope, Send
from chatapi.server.files import file_threads
from chatapi.server.hooks import BODY_FILE
from chatapi.server.pieces import PIECE_BYTES, Pieces, gather, send_pieces
from chatapi.server.turns import large_turn

# Headers whose names in the environment have no `HTTP_` in front.
UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


LARGE_THREADS = 4  # of which one at a time does not wait for a storage


class Response(NamedTuple):
    status: int
    headers: Headers
    content: bytes
    rest: Pieces | None  # what follows `content`


class WSGIBridge:
    """Run `app` in a pool of `threads`. The body must arrive in one message, as from BodyReader.

    Libraries that send a response in pieces make the thread wait for the event loop once for each
    piece, which took most of a request's time in the server. Here the thread returns the whole
    response at once. Only a streaming one that is large returns its beginning; the event loop then
    asks for the rest as fast as the client reads.
    """

    def __init__(self, app: Any, threads: int) -> None:
        self.app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        # Reading large bodies takes long: other requests don't wait for it.
        self._large_pool = ThreadPoolExecutor(LARGE_THREADS, thread_name_prefix="large")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await receive()
        body = request.get(BODY_FILE) or io.BytesIO(request.get("body", b""))
        environ = build_environ(scope, body)
        loop = asyncio.get_running_loop()
        if BODY_FILE in request:
            response = await loop.run_in_executor(self._large_pool, self._run_in_turn, environ)
        else:
            response = await loop.run_in_executor(self._pool, self._run, environ)
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": response.headers,
        }
        content, rest = response.content, response.rest
        if rest is None:
            await send(start)
            await send({"type": "http.response.body", "body": content})
        else:
            await send_pieces(start, content, rest, scope, receive, send)

    def _run_in_turn(self, environ: dict[str, Any]) -> Response:
        with large_turn.taken():
            return self._run(environ)

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
        rest = None
        try:
            if getattr(parts, "streaming", False) or isinstance(parts, FileWrapper):
                beginning, rest = self._begin(parts, environ["REQUEST_METHOD"])
                content.append(beginning)
            else:
                content.extend(parts)
        finally:
            close = getattr(parts, "close", None)
            if rest is None and close is not None:
                close()
        status, headers = head
        return Response(
            int(status[:3]),
            [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            b"".join(content),
            rest,
        )

    def _begin(self, parts: Any, method: str) -> tuple[bytes, Pieces | None]:
        """The beginning of a streaming response, and its rest if that is not all."""
        if method == "HEAD":
            return b"", None
        is_file = isinstance(parts, FileWrapper)
        each = iter(partial(parts.filelike.read, PIECE_BYTES), b"") if is_file else iter(parts)
        beginning = gather(each, PIECE_BYTES)
        if len(beginning) < PIECE_BYTES:
            return beginning, None
        if not is_file:
            return beginning, Pieces(each, parts.close, self._pool)
        # A file is closed in a thread that has no connection to the database, so that those of
        # this thread have to be given back here.
        close_old_connections()
        return beginning, Pieces(each, parts.close, file_threads)


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
        "wsgi.file_wrapper": FileWrapper,
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
