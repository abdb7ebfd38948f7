"""Personal access tokens in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.actions.tokens import DEFAULT_TOKEN_DAYS, revoke_token
from accounts.models import ApiToken
from chatapi.admin.base import ReadOnlyAdmin, ReadOnlyInline, StateFilter


def state_of(token: ApiToken) -> str:
    """Return the token's state. To avoid a query per token, load its `user` with it."""
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= timezone.now():
        return "expired"
    return "live" if token.user.is_active else "account deactivated"


class TokenStateFilter(StateFilter):
    states = {
        "live": lambda tokens: tokens.live(timezone.now()),
        "expired": lambda tokens: tokens.filter(revoked_at=None, expires_at__lte=timezone.now()),
        "revoked": lambda tokens: tokens.filter(revoked_at__isnull=False),
    }


class ScopeFilter(StateFilter):
    title = "scopes"
    parameter_name = "scope"
    states = {
        "read only": lambda tokens: tokens.filter(scopes="read"),
        "read and write": lambda tokens: tokens.filter(scopes__contains="write"),
    }


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are shown by their first characters; the stored digest is never shown."""

    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = (
        "start",
        "name",
        "user",
        "scopes",
        "state",
        "chats",
        "created_at",
        "expires_at",
        "last_used_at",
    )
    list_select_related = ("user",)
    list_filter = (TokenStateFilter, ScopeFilter)
    search_fields = ("user__email", "name", "hint")
    search_help_text = (
        "Email address, name or the token's first 8 characters (never the whole token)"
    )
    date_hierarchy = "created_at"
    actions = ("revoke",)
    fields = (
        "user",
        "start",
        "name",
        "scopes",
        "state",
        "chats",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )

    def page_actions(self, request: HttpRequest, obj: ApiToken) -> tuple[str, ...]:
        return () if obj.revoked_at else ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows: Any = super().get_queryset(request)
        tokens: QuerySet[ApiToken] = rows.with_chats(timezone.now())
        return tokens

    @admin.display(description="chat-user tokens")
    def chats(self, token: ApiToken) -> int:
        return int(token.chats)

    @admin.display(description="token", ordering="hint")
    def start(self, token: ApiToken) -> str:
        return f"{token.hint}…"

    @admin.display(description="state")
    def state(self, token: ApiToken) -> str:
        return state_of(token)

    @admin.action(description="Revoke", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.act(request, queryset, revoke_token, "revoked")


class TokenInline(ReadOnlyInline):
    model = ApiToken
    fields = ("name", "scopes", "state", "created_at", "expires_at", "last_used_at")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).select_related("user")

    @admin.display(description="state")
    def state(self, token: ApiToken) -> str:
        return state_of(token)


class IssueTokenForm(forms.Form):
    name = forms.CharField(
        max_length=100, required=False, help_text="The program that will use the token."
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=3650,
        initial=DEFAULT_TOKEN_DAYS,
        help_text="How many days the token is valid.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ApiToken.SCOPES],
        initial=list(ApiToken.SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
