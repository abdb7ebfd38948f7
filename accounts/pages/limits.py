"""Limits of the pages: an answer that says when to try again."""

from collections.abc import Callable
from functools import wraps

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts import known_browser
from accounts.addresses import normal_email
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, Verdict, limiter

View = Callable[..., HttpResponseBase]


def too_many(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    seconds = max(1, int(-(-verdict.retry_after // 1)))
    context = {"seconds": seconds, "minutes": -(-seconds // 60)}
    answer = render(request, "429.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def charge(request: HttpRequest, *charges: Charge) -> None:
    """Count what a page is asked for. What it raises answers 429, from any depth of a view."""
    require(request, limiter().take(charges))


def require(request: HttpRequest, verdict: Verdict) -> None:
    """What it raises answers 429, unless the limiter allowed what is asked for."""
    if not verdict.allowed:
        raise ImmediateHttpResponse(too_many(request, verdict))


def mail_charges(request: HttpRequest, kind: str, email: str) -> list[Charge]:
    """What a stranger pays for a mail of a `kind` to an address that they typed in.

    It counts for the browser that the account has logged in by, or else for the network; whether
    all networks together have sent too many is for the adapter, which then sends nothing.
    """
    email = normal_email(email)
    browser = known_browser.knows(request, email)
    if browser is not None:
        return [Charge("CODE_MAIL", f"{kind} browser {browser} {email}")]
    network = network_address(request)
    return [Charge("CODE_MAIL", f"{kind} {network} {email}"), Charge("MAIL_NETWORK", network)]


def counted(charges: Callable[[HttpRequest], list[Charge]]) -> Callable[[View], View]:
    """Let each POST to a view cost `charges`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method == "POST" and (asked := charges(request)):
                charge(request, *asked)
            return view(request, *args, **kwargs)

        return wrapped

    return decorate
