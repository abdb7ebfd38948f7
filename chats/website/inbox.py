"""The agents' inbox."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from companies.access.companies import companies_for


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The script renders the list and the open chat, and calls the API as this user."""
    assert isinstance(request.user, User)
    context = {"section": "inbox", "companies": companies_for(request.user)}
    return render(request, "chats/inbox.html", context)
