"""The page that the link for an unknown browser opens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.links import user_id_from_link_key
from accounts.login.known_browsers import mark_known


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def known_browser(request: HttpRequest, key: str) -> HttpResponse:
    """Let this browser log in, after a press of a button: mail scanners open links too."""
    user_id = user_id_from_link_key(key)
    if user_id is None:
        return render(request, "accounts/known_browser.html", {"is_valid": False}, status=404)
    if request.method == "POST":
        mark_known(request, user_id)
        messages.success(request, _("You can now log in with this browser."))
        return redirect("account_login")
    return render(request, "accounts/known_browser.html", {"is_valid": True})
