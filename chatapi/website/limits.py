"""Rate limits of pages: an exceeded limit renders a page that says when to try again."""

from collections.abc import Callable
from functools import wraps

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from chatapi.limits.limiter import Charge, Verdict, limiter

View = Callable[..., HttpResponseBase]


def too_many_requests(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    seconds = verdict.retry_after_seconds
    context = {"seconds": seconds, "minutes": -(-seconds // 60)}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


def charge(request: HttpRequest, *charges: Charge) -> None:
    """Charge limits, anywhere in a view.

    If one is exceeded, raise an exception that becomes the 429 response.
    """
    require_allowed(request, limiter().take(charges))


def require_allowed(request: HttpRequest, verdict: Verdict) -> None:
    """Raise an exception that becomes the 429 response, unless the limiter allowed the request."""
    if not verdict.allowed:
        raise ImmediateHttpResponse(too_many_requests(request, verdict))


def charge_posts(charges: Callable[[HttpRequest], list[Charge]]) -> Callable[[View], View]:
    """Charge each POST to the decorated view with `charges(request)`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method == "POST" and (due := charges(request)):
                charge(request, *due)
            return view(request, *args, **kwargs)

        return wrapped

    return decorate
