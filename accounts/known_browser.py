"""Browsers that somebody has logged in by: a signed cookie names their accounts.

A wrong password from such a browser counts for the browser, so that strangers who guess cannot lock
its people out. The cookie proves no more than that: it logs nobody in.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from chatapi.api.errors import is_api

COOKIE = "known_browser"
MAX_AGE = 365 * 24 * 3600  # seconds
MAX_ACCOUNTS = 5  # of one browser, the newest
SALT = "known-browser"


def read(request: HttpRequest) -> tuple[str, list[int]]:
    """The browser's id and the accounts that have logged in by it; no accounts without a cookie."""
    try:
        browser, accounts = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE
        )
        return str(browser), [int(each) for each in accounts]
    except (signing.BadSignature, ValueError, TypeError):
        return secrets.token_urlsafe(12), []


def knows(request: HttpRequest, email: str) -> str | None:
    """The id of the browser when the account of `email` has logged in by it, otherwise None."""
    browser, accounts = read(request)
    if accounts and User.objects.filter(pk__in=accounts, email=email).exists():
        return browser
    return None


@receiver(user_logged_in)
def note(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    request.known_user = user.pk  # type: ignore[attr-defined]


def remember(request: HttpRequest, response: HttpResponse, user_id: int) -> None:
    browser, accounts = read(request)
    accounts = [user_id, *(each for each in accounts if each != user_id)][:MAX_ACCOUNTS]
    response.set_cookie(
        COOKIE,
        signing.dumps([browser, accounts], salt=SALT),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


class KnownBrowserMiddleware:
    """Sets the cookie in the answer to a log-in, on the website and in the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user_id: int | None = getattr(request, "known_user", None)
        if user_id is not None and not is_api(request.path):
            remember(request, response, user_id)
        return response
