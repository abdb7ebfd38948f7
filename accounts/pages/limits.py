"""Limits of the pages: an answer that says when to try again."""

from collections.abc import Callable, Iterable
from functools import wraps

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts.models import normal_email
from chatapi.limits import Charge, Verdict, limiter, network_address

View = Callable[..., HttpResponseBase]


def too_many(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    seconds = max(1, int(-(-verdict.retry_after // 1)))
    context = {"seconds": seconds, "minutes": -(-seconds // 60)}
    answer = render(request, "429.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def charge(request: HttpRequest, *charges: Charge) -> None:
    """Count what a page is asked for. What it raises answers 429, from any depth of a view."""
    verdict = limiter().take(charges)
    if not verdict.allowed:
        raise ImmediateHttpResponse(too_many(request, verdict))


def give_back(charges: Iterable[Charge]) -> None:
    for each in charges:
        limiter().give_back(each)


def attempts(request: HttpRequest, email: str) -> list[Charge]:
    """What a wrong password costs: the same, and counted together, as in the admin."""
    return [
        Charge("LOGIN", network_address(request)),
        Charge("LOGIN", f"name {normal_email(email)}"),
    ]


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
