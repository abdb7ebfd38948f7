"""The manifest, icon and service worker that make the website installable."""

import hashlib
import json
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

FILES = Path(__file__).resolve().parent.parent / "static" / "chatapi"
SHELL = ["base.css", "icon.svg", "pwa/offline.js"]  # the files of the offline page
DAY = 86_400


@require_safe
@cache_control(max_age=DAY)
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest, in the reader's language."""
    return JsonResponse(
        {
            "id": "/",
            "name": _("Chat"),
            "short_name": _("Chat"),
            "description": _("Talk with the visitors of your website."),
            "lang": get_language(),
            "start_url": reverse("inbox"),
            "scope": "/",
            "display": "standalone",
            "background_color": "#f6f7f9",
            "theme_color": "#0b5cad",
            "icons": [
                icon("icon.svg", "any", "any"),
                icon("icon-192.png", "192x192", "any"),
                icon("icon-512.png", "512x512", "any"),
                icon("icon-maskable-512.png", "512x512", "maskable"),
            ],
            "shortcuts": [{"name": _("Inbox"), "url": reverse("inbox")}],
        },
        content_type="application/manifest+json",
    )


def icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    kind = "image/svg+xml" if name.endswith(".svg") else "image/png"
    return {"src": static(f"chatapi/{name}"), "sizes": sizes, "type": kind, "purpose": purpose}


@require_safe
@cache_control(public=True, max_age=DAY)
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon at the root, which browsers request for responses that are not pages."""
    return HttpResponse((FILES / "favicon.ico").read_bytes(), content_type="image/x-icon")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page that the service worker shows while offline; the same for everyone."""
    return render(request, "offline.html")


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker, with its files and version; its scope requires a path at the root."""
    shell = [reverse("offline"), *(static(f"chatapi/{name}") for name in SHELL)]
    parts = [(FILES / name).read_bytes() for name in SHELL]
    page = render_to_string("offline.html", request=request).encode()
    version = hashlib.sha256(b"".join([page, *parts])).hexdigest()[:16]
    script = (FILES / "pwa" / "service-worker.js").read_text()
    return HttpResponse(
        f"const SHELL = {json.dumps(shell)};\nconst VERSION = {version!r};\n{script}",
        content_type="text/javascript; charset=utf-8",
    )
