"""Error responses outside Django, in the format of the API."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from chatapi.api.encoding import dumps
from chatapi.api.errors import ApiError, ErrorCode, body
from chatapi.observability.request_id import choose_id, request_id
from chatapi.server.asgi_types import App, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class ErrorBoundary:
    """Log an exception raised outside Django and respond with the API's error 500."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def track(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, track)
        except Exception:
            if started or scope["type"] != "http":
                raise
            with identified(scope):
                logger.exception("%s %r failed", scope["method"], scope["path"])
                await send_error(send, ApiError(ErrorCode.SERVER_ERROR))


@contextmanager
def identified(scope: Scope) -> Iterator[str]:
    """Set the request id as RequestIdMiddleware does, for requests that never reach Django."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    identifier = choose_id(given)
    token = request_id.set(identifier)
    try:
        yield identifier
    finally:
        request_id.reset(token)


def error_response(error: ApiError) -> tuple[list[tuple[bytes, bytes]], bytes]:
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


async def send_error(send: Send, error: ApiError) -> None:
    """Send an error response outside Django."""
    headers, content = error_response(error)
    await send(
        {"type": "http.response.start", "status": error.status_code, "headers": headers},
    )
    await send({"type": "http.response.body", "body": content})
