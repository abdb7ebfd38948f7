"""Pages that belong to no app: the door, the words of the scripts, what makes it installable."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The inbox of who is logged in; to others, what this is."""
    if request.user.is_authenticated:
        return redirect("inbox")
    return render(request, "home.html")


@require_safe
def catalog(request: HttpRequest, language: str) -> HttpResponseBase:
    """The translations that scripts use, as a script: `gettext` and the like, in `language`."""
    with translation.override(language if language in dict(settings.LANGUAGES) else "en"):
        answer = JavaScriptCatalog.as_view()(request)
    patch_cache_control(answer, public=True, max_age=3600)
    return answer
