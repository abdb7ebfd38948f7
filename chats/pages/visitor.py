"""The pages of a visitor, who has no account: a chat, and the start of one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from companies.access import public_company


@require_safe
def chat(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The same page whatever the number: what there is, the API tells to who may know."""
    return render(request, "chats/chat.html", {"chat_id": chat_id})


@require_safe
def start(request: HttpRequest, company: str) -> HttpResponse:
    return render(request, "chats/start.html", {"company": public_company(company)})
