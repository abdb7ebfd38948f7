"""gunicorn's worker: uvicorn, told what this application needs."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from chatapi.errors import MEANINGS, ErrorCode, body
from chatapi.intake import CONNECTION
from chatapi.json import dumps
from chatapi.request_id import request_id


class Protocol(HttpToolsProtocol):
    """What is no HTTP at all is answered in the API's shape too: 422, never 400.

    It is also the `Connection` that a request finds in its scope.
    """

    on_shutdown: Callable[[], None] | None = None
    closing = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

    def abort(self) -> None:
        self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        self.closing = True
        if self.on_shutdown is not None:
            self.on_shutdown()

    def send_400_response(self, msg: str) -> None:
        request_id.set(uuid.uuid4().hex)
        content = dumps(body(ErrorCode.BAD_REQUEST, MEANINGS[ErrorCode.BAD_REQUEST]))
        self.transport.write(
            b"HTTP/1.1 422 Unprocessable Entity\r\n"
            b"content-type: application/json\r\n"
            b"content-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (len(content), content)
        )
        self.transport.close()


class Worker(UvicornWorker):  # type: ignore[misc]
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "lifespan": "off",
        "ws": "none",
        "server_header": False,
        "access_log": False,  # it would write tokens that stand in a URL
        "proxy_headers": False,  # NUM_PROXIES says whom to believe
        "timeout_graceful_shutdown": 8,
    }
