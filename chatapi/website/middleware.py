"""Middleware that only pages need: sessions, log-in, language, content security policy.

The API identifies callers by tokens, and this middleware would take much of a small request's time.
"""

from contextlib import suppress
from typing import TypeVar

from csp.middleware import CSPMiddleware
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthentication
from django.contrib.messages.middleware import MessageMiddleware as DjangoMessages
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware as DjangoLocale
from django.utils import translation
from django.utils.cache import has_vary_header
from django.utils.deprecation import MiddlewareMixin

from chatapi.api.errors import is_api

T = TypeVar("T", bound=HttpResponseBase)


class PagesOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request.path):
            return self.get_response(request)  # type: ignore[return-value]
        return super().__call__(request)  # type: ignore[return-value]


class ContentSecurityMiddleware(PagesOnly, CSPMiddleware):
    """`Content-Security-Policy` from the settings, which a view may update."""


class SessionMiddleware(PagesOnly, DjangoSessions):
    """Sessions. Shared caches store no personal page, and no cache stores one after log-in."""

    def process_response(self, request: HttpRequest, response: T) -> T:
        answer: T = super().process_response(request, response)  # type: ignore[arg-type, assignment]
        if has_vary_header(answer, "Cookie"):  # the session or the CSRF token was used
            logged_in = request.session.accessed and SESSION_KEY in request.session
            answer.setdefault("Cache-Control", "no-store, private" if logged_in else "private")
        return answer


class LocaleMiddleware(PagesOnly, DjangoLocale):
    """The reader's language: from `?lang=`, the language menu's cookie or `Accept-Language`."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        asked = request.GET.get("lang", "").lower().replace("_", "-")
        with suppress(LookupError):  # not a language of these pages
            language = translation.get_supported_language_variant(asked)
            translation.activate(language)
            request.LANGUAGE_CODE = language

    def process_response(self, request: HttpRequest, response: T) -> T:
        answer: T = super().process_response(request, response)  # type: ignore[assignment]
        translation.deactivate()  # the thread's next request may be for the API
        return answer


class AuthenticationMiddleware(PagesOnly, DjangoAuthentication):
    pass


class MessageMiddleware(PagesOnly, DjangoMessages):
    pass
