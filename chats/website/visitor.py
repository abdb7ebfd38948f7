"""The pages of visitors without an account: a chat, the start page, and the embedded panel."""

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chatapi.api.errors import ApiError
from companies.access.companies import get_published_company
from companies.hours import is_open
from companies.models import Company

SCRIPT = Path(__file__).resolve().parent.parent / "static" / "chats" / "embed" / "embed.js"


@require_safe
def chat(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The same page for every id; the API decides who may see the chat."""
    return render(request, "chats/chat.html", {"chat_id": chat_id})


@require_safe
def start(request: HttpRequest, company: str) -> HttpResponse:
    """Start a chat with a company. In the browser the page turns into the chat's page."""
    return render(request, "chats/start.html", start_context(published_company_or_404(company)))


@require_safe
def embed(request: HttpRequest, company: str) -> HttpResponse:
    """The start page in a panel, which only the company's own websites may embed.

    The conversation stays at this URL. A response that named the chat and allowed its company's
    websites to frame it would reveal to everyone which chats exist and whose they are.
    """
    found = published_company_or_404(company)
    origins = list(found.allowed_origins)
    context = {**start_context(found), "origins": " ".join(origins)}
    answer = render(request, "chats/embed.html", context)
    if origins:
        answer._csp_replace = {"frame-ancestors": origins}  # type: ignore[attr-defined]  # of django-csp
    return answer


@require_safe
@cache_control(public=True, max_age=3600)
def embed_script(request: HttpRequest) -> HttpResponse:
    """The script that other websites include. Any origin may load it, also with `crossorigin`."""
    answer = HttpResponse(SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def published_company_or_404(slug: str) -> Company:
    try:
        return get_published_company(slug)
    except ApiError:
        raise Http404 from None


def start_context(company: Company) -> dict[str, object]:
    notice = ""
    if not is_open(company, timezone.now()):
        notice = company.closed_text or _(
            "We are closed right now. Send us a message, and we will reply when we are back."
        )
    return {"company": company, "notice": notice}
