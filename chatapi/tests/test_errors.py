"""What errors are answered with that no view has made."""

import pytest
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.test import RequestFactory

from chatapi.api import errors
from chatapi.api.errors import ErrorCode, as_api_error


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (Http404(), ErrorCode.NOT_FOUND),
        (RequestDataTooBig(), ErrorCode.BODY_TOO_LARGE),
        (DisallowedHost(), ErrorCode.BAD_REQUEST),
        (SuspiciousOperation(), ErrorCode.BAD_REQUEST),
    ],
)
def test_an_exception_of_django_has_a_code(exception, code):
    error = as_api_error(exception)
    assert error is not None
    assert error.error_code == code


def test_a_bug_has_none():
    assert as_api_error(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (errors.handler500, 500, "server_error"),
        (lambda request: errors.handler403(request, Exception()), 403, "permission_denied"),
    ],
)
def test_an_error_outside_of_a_view_has_the_form_of_the_api(handler, status, code, settings):
    answer = handler(RequestFactory().get("/api/chats"))
    assert answer.status_code == status
    assert f'"code":"{code}"'.encode() in answer.content
    assert handler(RequestFactory().get("/inbox")).status_code == status
