"""The pages of one's personal access tokens: what there is, a new one, revoking."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import browser_tokens
from accounts.actions.tokens import issue_token, revoke_token
from accounts.actions.users import end_all_access
from accounts.models import ApiToken, User
from accounts.website.forms import TokenForm
from chatapi.limits.limiter import Charge
from chatapi.website.limits import charge

MOST = 200  # rows


def account(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def listed(user: User) -> list[dict[str, Any]]:
    """The tokens of an account, newest first; those of browsers only while they are good."""
    now = timezone.now()
    ended = Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
    tokens = user.api_tokens.with_chats(now).exclude(ended, name=browser_tokens.NAME)
    return [
        {
            "token": token,
            "scopes": token.scopes.split(","),
            "of_browser": token.name == browser_tokens.NAME,
            "state": (
                "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "live"
            ),
        }
        for token in tokens.order_by("-pk")[:MOST]
    ]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list, and a form for another one."""
    if request.method == "POST":
        answer: HttpResponse = make(request)
        return answer
    return show(request, TokenForm())


@reauthentication_required  # type: ignore[untyped-decorator]
@sensitive_variables("plain")
def make(request: HttpRequest) -> HttpResponse:
    """A new token, told in this answer and never again: no redirect follows that would keep it."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return show(request, form)
    charge(request, Charge("LOGIN", f"user {account(request).pk}"))
    try:
        with transaction.atomic():
            browser_tokens.lock_session(account(request), request.session)
            token, plain = issue_token(account(request), **form.cleaned_data)
    except UpdateError:
        return redirect("account_login")
    return show(request, TokenForm(), token=token, plain=plain)


@sensitive_variables("context")
def show(request: HttpRequest, form: TokenForm, **context: Any) -> HttpResponse:
    context |= {"section": "account", "form": form, "rows": listed(account(request))}
    return render(request, "accounts/tokens.html", context)


@login_required
@never_cache
@require_POST
def end_access(request: HttpRequest) -> HttpResponse:
    """End all tokens and all sessions but this one. No password is asked for: time matters."""
    user = account(request)
    end_all_access(user)
    update_session_auth_hash(request, user)
    messages.success(request, _("All tokens and all other sessions have been ended."))
    return redirect("account")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=account(request), pk=token_id, revoked_at=None)
    if request.method == "POST":
        revoke_token(token)
        messages.success(request, _("The token is revoked."))
        return redirect("tokens")
    return render(request, "accounts/revoke_token.html", {"section": "account", "token": token})
