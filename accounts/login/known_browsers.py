"""Browsers that have logged in before: a signed cookie lists their accounts.

A wrong password from such a browser is charged to the browser, so that strangers who guess cannot
lock its owners out. The cookie proves nothing else and logs nobody in.

An unknown browser becomes known by a log-in, or by a link that is mailed to the account's owner.
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
MAX_ACCOUNTS = 5  # per browser; the most recent are kept
SALT = "known-browser"


def read_cookie(request: HttpRequest) -> tuple[str, list[int]]:
    """Return the browser's id and the accounts that have logged in with it.

    Without a valid cookie, the id is new and the list is empty.
    """
    try:
        browser, accounts = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE
        )
        return str(browser), [int(each) for each in accounts]
    except (signing.BadSignature, ValueError, TypeError):
        return secrets.token_urlsafe(12), []


def known_browser_id(request: HttpRequest, email: str) -> str | None:
    """Return the browser's id if the account of `email` has logged in with it, otherwise None."""
    browser, accounts = read_cookie(request)
    if accounts and User.objects.filter(pk__in=accounts, email=email).exists():
        return browser
    return None


@receiver(user_logged_in)
def mark_login(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    mark_known(request, user.pk)


def mark_known(request: HttpRequest, user_id: int) -> None:
    """Have the middleware add the account to the cookie."""
    request.known_user = user_id  # type: ignore[attr-defined]  # read by the middleware


def set_cookie(request: HttpRequest, response: HttpResponse, user_id: int) -> None:
    browser, accounts = read_cookie(request)
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
    """Set the cookie on the response to a log-in, on the website and in the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user_id: int | None = getattr(request, "known_user", None)
        if user_id is not None and not is_api(request.path):
            set_cookie(request, response, user_id)
        return response
