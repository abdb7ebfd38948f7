"""Middleware of every request: an id for the logs, and errors in the format of the API."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from chatapi.api.errors import ErrorCode, as_api_error, http_error, is_api
from chatapi.observability.request_id import choose_id, request_id

logger = logging.getLogger(__name__)

# Features that no page uses. Notifications and the clipboard are used.
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(),"
    " magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
)

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Accepts `X-Request-ID` from a proxy or creates one, and returns it in the response."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identifier = choose_id(request.headers.get("X-Request-ID", ""))
        token = request_id.set(identifier)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = identifier
        if is_api(request.path):
            # Responses contain tokens, passwords and personal data: no cache may store them.
            response.setdefault("Cache-Control", "no-store, private")
        else:
            response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class ApiErrorMiddleware:
    """Logs an unexpected exception of the API and responds with the API's error 500.

    Pages keep Django's own error pages. This runs inside RequestIdMiddleware, so that the log and
    the response carry the same id.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_api(request.path):
            return None
        error = as_api_error(exception)
        if error is not None:
            return http_error(error.error_code, error.message)
        logger.exception("%s %r failed", request.method, request.path)
        return http_error(ErrorCode.SERVER_ERROR)
