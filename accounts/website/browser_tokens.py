"""Issue API tokens to the website's own scripts."""

from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.actions import browser_tokens
from accounts.models import User
from chatapi.api.errors import ErrorCode, http_error
from chatapi.limits.limiter import Charge, limiter


@require_POST
@never_cache
@sensitive_variables("plain")
def issue(request: HttpRequest) -> HttpResponse:
    """Return `{"token", "expires_at"}`. Errors have the API's format, since a script calls this."""
    user = request.user
    if not isinstance(user, User):
        return http_error(ErrorCode.NOT_AUTHENTICATED, "Log in first.")
    verdict = limiter().take([Charge("BROWSER_TOKEN", f"user {user.pk}")])
    if not verdict.allowed:
        response = http_error(ErrorCode.RATE_LIMITED)
        response["Retry-After"] = str(verdict.retry_after_seconds)
        return response
    try:
        token, plain = browser_tokens.renew(user, request.session)
    except UpdateError:
        return http_error(ErrorCode.NOT_AUTHENTICATED, "Log in first.")
    return JsonResponse({"token": plain, "expires_at": token.expires_at})
