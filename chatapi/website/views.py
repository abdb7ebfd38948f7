"""Pages that belong to no app: the home page and the translations for scripts."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Redirect members to the inbox; show everyone else what the service is."""
    if request.user.is_authenticated:
        return redirect("inbox")
    return render(request, "home.html")


@require_safe
def catalog(request: HttpRequest, language: str) -> HttpResponseBase:
    """A script with the translations into `language`, and with `gettext` and its relatives."""
    with translation.override(language if language in dict(settings.LANGUAGES) else "en"):
        response = JavaScriptCatalog.as_view()(request)
    patch_cache_control(response, public=True, max_age=3600)
    return response
