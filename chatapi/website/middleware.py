"""Middleware that only pages need: sessions, log-in, language, content security policy.

The API identifies callers by tokens, and this middleware would take much of a small request's time.
"""

from contextlib import suppress
from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthentication
from django.contrib.messages.middleware import MessageMiddleware as DjangoMessages
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessions
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware as DjangoLocale
from django.utils import translation
from django.utils.cache import has_vary_header
from django.utils.deprecation import MiddlewareMixin

from chatapi.api.errors import is_api


class PagesOnly(MiddlewareMixin):
    """Skips the middleware for requests to the API."""

    def __call__(self, request: HttpRequest) -> Any:
        if is_api(request.path):
            return self.get_response(request)
        return super().__call__(request)


class ContentSecurityMiddleware(PagesOnly, CSPMiddleware):
    """`Content-Security-Policy` from the settings, which a view may update."""


class SessionMiddleware(PagesOnly, DjangoSessions):
    """Sessions. Shared caches store no personal page, and no cache stores one after log-in."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        response = super().process_response(request, response)
        if has_vary_header(response, "Cookie"):  # the session or the CSRF token was used
            logged_in = request.session.accessed and SESSION_KEY in request.session
            response.setdefault("Cache-Control", "no-store, private" if logged_in else "private")
        return response


class LocaleMiddleware(PagesOnly, DjangoLocale):
    """The reader's language: from `?lang=`, the language menu's cookie or `Accept-Language`."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        asked = request.GET.get("lang", "").lower().replace("_", "-")
        with suppress(LookupError):  # not a language of these pages
            language = translation.get_supported_language_variant(asked)
            translation.activate(language)
            request.LANGUAGE_CODE = language

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        response = super().process_response(request, response)
        translation.deactivate()  # the thread's next request may be for the API
        return response


class AuthenticationMiddleware(PagesOnly, DjangoAuthentication):
    pass


class MessageMiddleware(PagesOnly, DjangoMessages):
    pass
