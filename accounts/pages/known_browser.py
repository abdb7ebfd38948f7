"""The page that the link for an unknown browser opens."""

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

SALT = "unknown-browser"
MAX_AGE = 3600  # seconds


def key_for(user_id: int) -> str:
    return signing.dumps(user_id, salt=SALT)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def be_known(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, since programs that read mail open its links; then let this browser log in."""
    try:
        user_id = int(signing.loads(key, salt=SALT, max_age=MAX_AGE))
    except (signing.BadSignature, ValueError, TypeError):
        return render(request, "accounts/known_browser.html", {"is_valid": False}, status=404)
    if request.method == "POST":
        request.known_user = user_id  # type: ignore[attr-defined]
        messages.success(request, _("You can log in in this browser now."))
        return redirect("account_login")
    return render(request, "accounts/known_browser.html", {"is_valid": True})
