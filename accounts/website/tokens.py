"""The pages to list, issue and revoke personal access tokens."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
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
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import browser_tokens
from accounts.actions.tokens import DEFAULT_TOKEN_DAYS, issue_token, revoke_token
from accounts.actions.users import end_all_access
from accounts.models import ApiToken, User
from chatapi.limits.limiter import Charge
from chatapi.website.limits import charge

MAX_ROWS = 200


class TokenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"),
        choices=[("read", gettext_lazy("Read")), ("write", gettext_lazy("Write"))],
        initial=list(ApiToken.SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Valid for (days)"),
        min_value=1,
        max_value=3650,
        initial=DEFAULT_TOKEN_DAYS,
    )


def account(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def token_rows(user: User) -> list[dict[str, Any]]:
    """Return the tokens of an account, newest first; those of browsers only while they are live."""
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
        for token in tokens.order_by("-pk")[:MAX_ROWS]
    ]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens, with a form to issue another."""
    if request.method == "POST":
        response: HttpResponse = issue(request)
        return response
    return render_tokens(request, TokenForm())


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
@sensitive_variables("plain")
def issue(request: HttpRequest) -> HttpResponse:
    """Issue a token and show it in this response only; a redirect would have to store it."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return render_tokens(request, form)
    charge(request, Charge("LOGIN", f"user {account(request).pk}"))
    try:
        with transaction.atomic():
            browser_tokens.lock_session(account(request), request.session)
            token, plain = issue_token(account(request), **form.cleaned_data)
    except UpdateError:
        return redirect("account_login")
    return render_tokens(request, TokenForm(), token=token, plain=plain)


@sensitive_variables("context")
def render_tokens(request: HttpRequest, form: TokenForm, **context: Any) -> HttpResponse:
    context |= {"section": "account", "form": form, "rows": token_rows(account(request))}
    return render(request, "accounts/tokens.html", context)


@login_required
@never_cache
@require_POST
def end_access(request: HttpRequest) -> HttpResponse:
    """Revoke all tokens and end all other sessions. No password is required: time matters."""
    user = account(request)
    end_all_access(user)
    update_session_auth_hash(request, user)
    messages.success(
        request, _("All tokens were revoked, and you were logged out everywhere else.")
    )
    return redirect("account")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=account(request), pk=token_id, revoked_at=None)
    if request.method == "POST":
        revoke_token(token)
        messages.success(request, _("Token revoked."))
        return redirect("tokens")
    return render(request, "accounts/revoke_token.html", {"section": "account", "token": token})
