"""The errors of the API and their rendering."""

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from chatapi.api import encoding
from chatapi.observability.request_id import request_id

logger = logging.getLogger(__name__)


class ErrorCode(StrEnum):
    """Every error of the API: the value of `code`, the HTTP status and the default sentence.

    The schema and the documentation list them from here.
    """

    status: int
    sentence: str

    def __new__(cls, code: str, status: int, sentence: str) -> "ErrorCode":
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.sentence = sentence
        return member

    NOT_AUTHENTICATED = "not_authenticated", 401, "No token was sent."
    INVALID_TOKEN = (
        "invalid_token",
        401,
        "The token is unknown, expired, revoked or of the wrong type.",
    )
    PERMISSION_DENIED = "permission_denied", 403, "The caller's role does not allow this."
    SCOPE_MISSING = (
        "scope_missing",
        403,
        "The personal access token lacks the scope `read` or `write`.",
    )
    OTHER_CHAT = "other_chat", 403, "A chat-user token is valid only for its own chat."
    JOIN_FIRST = (
        "join_first",
        403,
        "Only participants can do this. Join the chat and use the token you get.",
    )
    CHAT_CLOSED = "chat_closed", 403, "The chat is closed. It can be read, but not written to."
    BANNED = "banned", 403, "This address is banned from the chat."
    NOT_AUTHOR = "not_author", 403, "Only the author can do this."
    EDIT_WINDOW_OVER = "edit_window_over", 403, "The time for editing has passed."
    MESSAGE_DELETED = "message_deleted", 403, "The message or note was deleted."
    LINK_EXPIRED = "link_expired", 403, "The link has expired. Get the attachment for a new one."
    NOT_FOUND = "not_found", 404, "The resource does not exist, or the caller may not see it."
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "This route does not support the method."
    VALIDATION_FAILED = (
        "validation_failed",
        422,
        "A field or parameter is invalid. `errors` has the details.",
    )
    MALFORMED_BODY = "malformed_body", 422, "The body could not be parsed."
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        422,
        "The body must be JSON, a form or multipart.",
    )
    BODY_TOO_LARGE = "body_too_large", 422, "The body is larger than this route allows."
    BAD_REQUEST = "bad_request", 422, "The request could not be understood."
    FILE_TOO_LARGE = "file_too_large", 422, "The file is larger than this installation allows."
    FILE_TYPE = (
        "file_type",
        422,
        "Files of this type are not accepted, or the name says another type than the content.",
    )
    QUOTA_EXCEEDED = (
        "quota_exceeded",
        422,
        "The company has no room left for files. Delete some, or ask the operator for more.",
    )
    ATTACHMENT_UNKNOWN = (
        "attachment_unknown",
        422,
        "An attachment does not exist, is not the caller's, or belongs to a message already.",
    )
    WRONG_PASSWORD = (
        "wrong_password",
        422,
        "The chat's password is wrong, or the chat does not exist.",
    )
    INVALID_AUTH_CODE = (
        "invalid_auth_code",
        422,
        "The auth code is wrong, expired or already used.",
    )
    LAST_OWNER = "last_owner", 422, "A company must keep at least one owner."
    ALREADY_MEMBER = "already_member", 422, "This person is already a member."
    IDEMPOTENCY_CONFLICT = (
        "idempotency_conflict",
        422,
        "This Idempotency-Key was used with a different body.",
    )
    USE_CURSOR = "use_cursor", 422, "Numbered pages end at row 10,000. Continue with `cursor`."
    QUERY_TIMEOUT = (
        "query_timeout",
        422,
        "The search took too long. Narrow it by company, date or other filters.",
    )
    RATE_LIMITED = (
        "rate_limited",
        429,
        "Too many requests. Wait for the number of seconds in `Retry-After`.",
    )
    STORAGE_DOWN = (
        "storage_down",
        503,
        "The storage of files does not answer at the moment. Try again in a minute.",
    )
    SERVER_ERROR = (
        "server_error",
        500,
        "An internal error occurred. The server's logs contain the `request_id`.",
    )


class ApiError(exceptions.APIException):
    """An error of the API.

    `message` replaces the code's sentence. `field` names the field or parameter that is wrong, and
    `errors` maps several of them to their sentences (422 only).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        field: str | None = None,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or code.sentence
        super().__init__(self.message, code)
        self.status_code = code.status
        self.error_code = code
        self.errors = {field: [self.message]} if field else errors
        self.headers = headers


def not_found() -> ApiError:
    """Missing, deleted and invisible to the caller all look the same."""
    return ApiError(ErrorCode.NOT_FOUND, "Not found.")


def body(
    code: ErrorCode, message: str, errors: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """`{"message", "code", "request_id"}`, with `errors` when fields are wrong."""
    content: dict[str, Any] = {"message": message, "code": code.value}
    if errors is not None:
        content["errors"] = errors
    content["request_id"] = request_id.get()
    return content


def http_error(code: ErrorCode, message: str | None = None) -> HttpResponse:
    """The error body as a plain Django response, for failures outside DRF views."""
    return HttpResponse(
        encoding.dumps(body(code, message or code.sentence)),
        status=code.status,
        content_type="application/json",
    )


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: render the exceptions that mean an HTTP error.

    For any other exception, a bug, it returns None; DRF raises it again, and a 500 is logged.
    """
    error = as_api_error(exception)
    if error is None:
        return None
    response = Response(
        body(error.error_code, error.message, error.errors),
        status=error.status_code,
        headers=dict(error.headers or {}),
    )
    if error.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def as_api_error(exception: Exception) -> ApiError | None:
    """The API's error for an exception of Django or DRF; None if it has none."""
    match exception:
        case ApiError():
            return exception
        case exceptions.ValidationError():
            errors = flatten(exception.detail)
            first = next((f"{field}: {each[0]}" for field, each in errors.items()), None)
            return ApiError(ErrorCode.VALIDATION_FAILED, first, errors=errors)
        case exceptions.NotAuthenticated():
            return ApiError(ErrorCode.NOT_AUTHENTICATED)
        case exceptions.AuthenticationFailed():
            return ApiError(ErrorCode.INVALID_TOKEN)
        case exceptions.PermissionDenied() | PermissionDenied():
            return ApiError(ErrorCode.PERMISSION_DENIED)
        case exceptions.NotFound() | Http404():
            return not_found()
        case exceptions.MethodNotAllowed():
            return ApiError(ErrorCode.METHOD_NOT_ALLOWED, str(exception.detail))
        case exceptions.UnsupportedMediaType():
            return ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE)
        case exceptions.ParseError():
            return ApiError(ErrorCode.MALFORMED_BODY, str(exception.detail))
        case RequestDataTooBig():
            return ApiError(ErrorCode.BODY_TOO_LARGE)
        case DisallowedHost():
            return ApiError(
                ErrorCode.BAD_REQUEST, "This host name is not served here (ALLOWED_HOSTS)."
            )
        case SuspiciousOperation():
            return ApiError(ErrorCode.BAD_REQUEST)
        case _:
            return None


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten DRF's nested details to `{"field" or "field.inner": ["Sentence.", …]}`."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            inner = f"{path}.{key}" if path else str(key)
            for name, sentences in flatten(value, inner).items():
                found.setdefault(name, []).extend(sentences)
        return found
    if isinstance(detail, list):
        found = {}
        for value in detail:
            for name, sentences in flatten(value, path).items():
                found.setdefault(name, []).extend(sentences)
        return found
    return {path or "body": [str(detail)]}


# These routes are also documented without /api; the other routes below /chats are pages.
WITHOUT_PREFIX = ("/share", "/users/get-token")


def is_api(path: str) -> bool:
    return (
        path.startswith(("/api/", "/files/"))
        or path == "/api"
        or (path.startswith("/chats/") and path.endswith(WITHOUT_PREFIX))
    )


# --- Django's error handlers, for requests that reach no view --------------------------------


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        error = as_api_error(exception) or ApiError(ErrorCode.BAD_REQUEST)
        return http_error(error.error_code, error.message)
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(ErrorCode.PERMISSION_DENIED)
    return defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(ErrorCode.NOT_FOUND, "Not found.")
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(ErrorCode.SERVER_ERROR)
    return defaults.server_error(request)
