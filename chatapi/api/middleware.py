"""What every request passes: an id for the logs, and errors in the API's shape."""

import logging
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from chatapi.api.errors import ErrorCode, as_api_error, http_error, is_api
from chatapi.observability.request_id import GIVEN, request_id

logger = logging.getLogger(__name__)

# What no page uses; notifications and the clipboard are.
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(),"
    " magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
)

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Takes `X-Request-ID` from a proxy, or makes one, and answers with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identifier = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identifier)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = identifier
        if is_api(request.path):
            # Tokens, passwords, people: nothing on the way may keep an answer of the API.
            response.setdefault("Cache-Control", "no-store, private")
        else:
            response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class ApiErrorMiddleware:
    """Under the API an unforeseen exception is logged and answered in the API's shape.

    Elsewhere Django's own pages stand. Inside the request-id middleware, so that the line in the
    log and the answer carry the same id.
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
