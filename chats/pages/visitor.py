"""The pages of a visitor, who has no account: a chat, the start of one, and that in a panel."""

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chatapi.api.errors import ApiError
from companies.access import published_company
from companies.hours import is_open
from companies.models import Company

SCRIPT = Path(__file__).resolve().parent.parent / "static" / "chats" / "embed" / "embed.js"


@require_safe
def chat(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The same page whatever the number: what there is, the API tells to who may know."""
    return render(request, "chats/chat.html", {"chat_id": chat_id})


@require_safe
def start(request: HttpRequest, company: str) -> HttpResponse:
    """Starts a chat with a company; in the browser it goes on as the chat's page."""
    return render(request, "chats/start.html", start_context(with_a_button(company)))


@require_safe
def embed(request: HttpRequest, company: str) -> HttpResponse:
    """The same in a panel of a website of the company's, and of no other.

    The conversation stays below this address: an answer that named the chat, and let it be framed
    by its company's websites, would tell everybody which chats there are and whose.
    """
    found = with_a_button(company)
    origins = list(found.allowed_origins)
    context = {**start_context(found), "origins": " ".join(origins)}
    answer = render(request, "chats/embed.html", context)
    if origins:
        answer._csp_replace = {"frame-ancestors": origins}  # type: ignore[attr-defined]
    return answer


@require_safe
@cache_control(public=True, max_age=3600)
def embed_script(request: HttpRequest) -> HttpResponse:
    """The one script that another website has. Any website may load it, also with `crossorigin`."""
    answer = HttpResponse(SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def with_a_button(slug: str) -> Company:
    try:
        return published_company(slug)
    except ApiError:
        raise Http404 from None


def start_context(company: Company) -> dict[str, object]:
    notice = ""
    if not is_open(company, timezone.now()):
        notice = company.closed_text or _(
            "We are closed at the moment. Write to us, and we answer when we are back."
        )
    return {"company": company, "notice": notice}
