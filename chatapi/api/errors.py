"""One vocabulary of errors, and the one place that renders them."""

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
    """Every value of `code` in an error body. The schema lists them with these descriptions."""

    NOT_AUTHENTICATED = "not_authenticated"
    INVALID_TOKEN = "invalid_token"  # noqa: S105
    PERMISSION_DENIED = "permission_denied"
    SCOPE_MISSING = "scope_missing"
    OTHER_CHAT = "other_chat"
    JOIN_FIRST = "join_first"
    CHAT_CLOSED = "chat_closed"
    BANNED = "banned"
    NOT_AUTHOR = "not_author"
    EDIT_WINDOW_OVER = "edit_window_over"
    MESSAGE_DELETED = "message_deleted"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    VALIDATION_FAILED = "validation_failed"
    MALFORMED_BODY = "malformed_body"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    BODY_TOO_LARGE = "body_too_large"
    BAD_REQUEST = "bad_request"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    INVALID_AUTH_CODE = "invalid_auth_code"
    LAST_OWNER = "last_owner"
    ALREADY_MEMBER = "already_member"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    USE_CURSOR = "use_cursor"
    QUERY_TIMEOUT = "query_timeout"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"


MEANINGS: dict[ErrorCode, str] = {
    ErrorCode.NOT_AUTHENTICATED: "No token was sent.",
    ErrorCode.INVALID_TOKEN: "The token is unknown, expired, revoked or of the wrong type.",
    ErrorCode.PERMISSION_DENIED: "The caller's role does not allow this.",
    ErrorCode.SCOPE_MISSING: "The personal access token lacks the scope `read` or `write`.",
    ErrorCode.OTHER_CHAT: "A chat-user token is good for its own chat alone.",
    ErrorCode.JOIN_FIRST: "Only a chat user can do this: join the chat and use the token you get.",
    ErrorCode.CHAT_CLOSED: "The chat is closed; it can be read, not written to.",
    ErrorCode.BANNED: "This address was banned from the chat.",
    ErrorCode.NOT_AUTHOR: "Only the author of a message may do this.",
    ErrorCode.EDIT_WINDOW_OVER: "The time in which a message can be edited is over.",
    ErrorCode.MESSAGE_DELETED: "The message was deleted.",
    ErrorCode.NOT_FOUND: "It does not exist, or the caller may not know that it does.",
    ErrorCode.METHOD_NOT_ALLOWED: "The route does not have this method.",
    ErrorCode.VALIDATION_FAILED: "A field or parameter is wrong; `errors` says which and why.",
    ErrorCode.MALFORMED_BODY: "The body could not be parsed.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The body must be JSON, a form or multipart.",
    ErrorCode.BODY_TOO_LARGE: "The body is larger than 1 MiB.",
    ErrorCode.BAD_REQUEST: "The request could not be understood.",
    ErrorCode.WRONG_PASSWORD: "The chat's password is wrong, or there is no such chat.",
    ErrorCode.INVALID_AUTH_CODE: "The auth code is wrong, used or expired, or nobody has this one.",
    ErrorCode.LAST_OWNER: "A company keeps at least one owner.",
    ErrorCode.ALREADY_MEMBER: "This person is a member already.",
    ErrorCode.IDEMPOTENCY_CONFLICT: "The Idempotency-Key was used with another body.",
    ErrorCode.USE_CURSOR: "Pages by number end at row 10,000; go on with `cursor`.",
    ErrorCode.QUERY_TIMEOUT: "The search took too long; narrow it by company, dates or filters.",
    ErrorCode.RATE_LIMITED: "Too many requests; `Retry-After` says in how many seconds to go on.",
    ErrorCode.SERVER_ERROR: "Something failed on the server; `request_id` finds it in the logs.",
}


class ApiError(exceptions.APIException):
    """An error of the vocabulary. `errors` maps a field to its sentences (422 only)."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or MEANINGS[code], code)
        self.status_code = status
        self.error_code = code
        self.message = message or MEANINGS[code]
        self.errors = errors
        self.headers = headers


def forbidden(code: ErrorCode, message: str | None = None) -> ApiError:
    return ApiError(403, code, message)


def not_found() -> ApiError:
    return ApiError(404, ErrorCode.NOT_FOUND, "Not found.")


def unprocessable(
    code: ErrorCode, message: str | None = None, field: str | None = None
) -> ApiError:
    sentence = message or MEANINGS[code]
    return ApiError(422, code, sentence, {field: [sentence]} if field else None)


def body(
    code: ErrorCode, message: str, errors: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """`{"message", "code", "request_id"}`, and `errors` when fields are wrong."""
    answer: dict[str, Any] = {"message": message, "code": code.value}
    if errors is not None:
        answer["errors"] = errors
    answer["request_id"] = request_id.get()
    return answer


def http_error(status: int, code: ErrorCode, message: str | None = None) -> HttpResponse:
    """The error body as a plain Django response, for what fails outside a DRF view."""
    return HttpResponse(
        encoding.dumps(body(code, message or MEANINGS[code])),
        status=status,
        content_type="application/json",
    )


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every exception that is an answer becomes the error body.

    What is not (a bug) returns None, is raised again and becomes a logged 500.
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
    match exception:
        case ApiError():
            return exception
        case exceptions.ValidationError():
            errors = flatten(exception.detail)
            first = next((f"{field}: {each[0]}" for field, each in errors.items()), None)
            return ApiError(422, ErrorCode.VALIDATION_FAILED, first, errors)
        case exceptions.NotAuthenticated():
            return ApiError(401, ErrorCode.NOT_AUTHENTICATED)
        case exceptions.AuthenticationFailed():
            return ApiError(401, ErrorCode.INVALID_TOKEN)
        case exceptions.PermissionDenied() | PermissionDenied():
            return forbidden(ErrorCode.PERMISSION_DENIED)
        case exceptions.NotFound() | Http404():
            return not_found()
        case exceptions.MethodNotAllowed():
            return ApiError(405, ErrorCode.METHOD_NOT_ALLOWED, str(exception.detail))
        case exceptions.UnsupportedMediaType():
            return ApiError(422, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
        case exceptions.ParseError():
            return ApiError(422, ErrorCode.MALFORMED_BODY, str(exception.detail))
        case RequestDataTooBig():
            return ApiError(422, ErrorCode.BODY_TOO_LARGE)
        case DisallowedHost():
            return ApiError(
                422, ErrorCode.BAD_REQUEST, "This host name is not served here (ALLOWED_HOSTS)."
            )
        case SuspiciousOperation():
            return ApiError(422, ErrorCode.BAD_REQUEST)
        case _:
            return None


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested details as `{"field" or "field.inner": ["Sentence.", …]}`."""
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


# Documented without /api, too; all else below /chats is pages.
WITHOUT_PREFIX = ("/share", "/users/get-token")


def is_api(path: str) -> bool:
    return (
        path.startswith("/api/")
        or path == "/api"
        or (path.startswith("/chats/") and path.endswith(WITHOUT_PREFIX))
    )


# --- Django's own handlers, for what never reaches a view ------------------------------------


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        error = as_api_error(exception) or ApiError(422, ErrorCode.BAD_REQUEST)
        return http_error(422, error.error_code, error.message)
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(403, ErrorCode.PERMISSION_DENIED)
    return defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(404, ErrorCode.NOT_FOUND, "Not found.")
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    if is_api(request.path):
        return http_error(500, ErrorCode.SERVER_ERROR)
    return defaults.server_error(request)
