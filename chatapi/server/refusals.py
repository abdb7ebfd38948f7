"""Responses of the connection itself, to requests that never reach the application."""

import uuid

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.observability.request_id import request_id
from chatapi.server.errors import error_response

TOO_LARGE = "The request's head is too large."
REASONS = {422: b"Unprocessable Entity", 429: b"Too Many Requests"}


def bad_request(sentence: str | None = None) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, sentence)


def too_many(sentence: str, retry_seconds: int) -> ApiError:
    headers = {"Retry-After": str(retry_seconds)}
    return ApiError(ErrorCode.RATE_LIMITED, sentence, headers=headers)


def render(error: ApiError) -> bytes:
    """The whole response, after which the connection is closed."""
    token = request_id.set(uuid.uuid4().hex)
    try:
        headers, content = error_response(error)
    finally:
        request_id.reset(token)
    lines = [b"HTTP/1.1 %d %b" % (error.status_code, REASONS[error.status_code])]
    headers += [(b"content-length", b"%d" % len(content)), (b"connection", b"close")]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content
