"""Accounts and their personal access tokens, for staff."""

from typing import TYPE_CHECKING, Any

import allauth.account.admin  # registers what is taken out below
import allauth.mfa.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from accounts import guessing
from accounts.actions.addresses import drop_other_addresses
from accounts.actions.signups import reset_unverified_signup
from accounts.actions.tokens import (
    DEFAULT_TOKEN_DAYS,
    issue_token_and_notify,
    revoke_all_tokens,
    revoke_token,
)
from accounts.actions.users import disable_two_factor, mail_browser_link
from accounts.forms import AuthenticateForm
from accounts.models import ApiToken, User
from chatapi.admin.base import ReadOnlyAdmin, ReadOnlyInline, StaffAdmin, StateFilter
from chatapi.bus.hints import access_changed
from chatapi.mail import outbox

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    PasswordChangeForm = AdminPasswordChangeForm[User]
else:
    CreationForm = AdminUserCreationForm
    PasswordChangeForm = AdminPasswordChangeForm


# allauth's own pages would show secrets, and let staff confirm what nobody did.
for _model in (EmailAddress, Authenticator):
    admin.site.unregister(_model)


class StaffLogin(AdminAuthenticationForm):
    """The log-in of staff: guesses count, and two-factor authentication is asked for."""

    code = forms.CharField(
        label=_("Two-factor code"),
        required=False,
        help_text=_("If two-factor authentication is on for your account."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        guess = guessing.guess(self.request, self.cleaned_data.get("username", ""))
        if not guess.verdict.allowed:
            raise ValidationError(_("Too many attempts. Wait some minutes and try again."))
        cleaned: dict[str, Any] = super().clean()
        if not guess.in_pool:
            mail_browser_link(self.get_user())
            raise self.get_invalid_login_error()
        self.prove(cleaned)
        guess.was_right()
        return cleaned

    def prove(self, cleaned: dict[str, Any]) -> None:
        user = self.get_user()
        if not is_mfa_enabled(user):
            return
        form = AuthenticateForm({"code": cleaned.get("code", "")}, user=user)
        if not form.is_valid():
            raise ValidationError(_("Type a code of your authenticator app, or a recovery code."))
        form.authenticator.record_usage()


admin.site.login_form = StaffLogin
admin.site.login_template = "admin/staff_login.html"


def state_of(token: ApiToken) -> str:
    """Whether a token is good, and why not; its user's account must be at hand."""
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= timezone.now():
        return "expired"
    return "live" if token.user.is_active else "account is off"


# --- Tokens ----------------------------------------------------------------------------------


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
        "may write": lambda tokens: tokens.filter(scopes__contains="write"),
    }


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens by their first characters; what is stored of the rest is never shown."""

    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = (
        "start", "name", "user", "scopes", "state", "chats",
        "created_at", "expires_at", "last_used_at",
    )  # fmt: skip
    list_select_related = ("user",)
    list_filter = (TokenStateFilter, ScopeFilter)
    search_fields = ("user__email", "name", "hint")
    search_help_text = "E-mail address, name, or the token's first 8 characters (never all of it)"
    date_hierarchy = "created_at"
    actions = ("revoke",)
    fields = (
        "user", "start", "name", "scopes", "state", "chats",
        "created_at", "expires_at", "last_used_at", "revoked_at",
    )  # fmt: skip

    def page_actions(self, request: HttpRequest, obj: ApiToken) -> tuple[str, ...]:
        return () if obj.revoked_at else ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows: Any = super().get_queryset(request)
        tokens: QuerySet[ApiToken] = rows.with_chats(timezone.now())
        return tokens

    @admin.display(description="chat-user tokens issued with it")
    def chats(self, token: ApiToken) -> int:
        return int(token.chats)  # type: ignore[attr-defined]

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
    name = forms.CharField(max_length=100, required=False, help_text="What it is for.")
    days = forms.IntegerField(
        min_value=1, max_value=3650, initial=DEFAULT_TOKEN_DAYS, help_text="How long it is good."
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ApiToken.SCOPES],
        initial=list(ApiToken.SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )


# --- Users -----------------------------------------------------------------------------------


class PasswordForm(PasswordChangeForm):
    """Another password for somebody, who is told by mail."""

    def save(self, commit: bool = True) -> Any:
        user = super().save(commit)
        if commit:
            outbox.post("password_changed", user.pk, user.email)
        return user


class UserAddForm(CreationForm):
    """A person by their e-mail address; a password is optional."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = self.fields["usable_password"]
        usable.label, usable.initial = "Password", "false"
        usable.help_text = "Only staff need one, for this website: the API is used by tokens."


def live_tokens() -> Coalesce:
    """How many tokens of a user are good, if the account is."""
    counted = (
        ApiToken.objects.filter(user=OuterRef("pk"), revoked_at=None, expires_at__gt=timezone.now())
        .order_by()
        .values("user")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People. An account is switched off, not deleted: what its owner wrote stays theirs."""

    change_form_template = "admin/accounts/user/change_form.html"
    form = forms.ModelForm
    add_form = UserAddForm
    change_password_form = PasswordForm
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "email", "first_name", "last_name",
                    "usable_password", "password1", "password2",
                ),
            },
        ),
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "password_state")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser")}),
        (
            "Permissions in this website",
            {"classes": ("collapse",), "fields": ("groups", "user_permissions")},
        ),
        ("When", {"fields": ("created_at", "last_login")}),
    )
    readonly_fields = ("password_state", "created_at", "last_login")
    list_display = ("email", "full_name", "tokens", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    search_help_text = "E-mail address or name, or a part of one"
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    actions = ("revoke_tokens", "turn_off_two_factor")
    inlines = (TokenInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(tokens_live=live_tokens())

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(str(field) for field in super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            # Who could give these away could give them to themselves.
            fields += ("is_staff", "is_superuser", "groups", "user_permissions")
        return fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or self.may_act_for(request, obj)

    def may_act_for(self, request: HttpRequest, user: User) -> bool:
        """Not for a colleague: a password, an address or a token would be the way to their rights.

        Superusers act for everybody.
        """
        is_staff = user.is_staff or user.is_superuser
        return bool(request.user.is_superuser or not is_staff or user == request.user)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and {"email", "is_staff", "is_superuser"} & set(form.changed_data):
            before = User.objects.get(pk=obj.pk)
            if reset_unverified_signup(before):
                obj.password = before.password
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            drop_other_addresses(obj)
        access_changed(f"user:{obj.pk}")  # it may have been switched off

    def page_actions(self, request: HttpRequest, obj: User) -> tuple[str, ...]:
        live = ("revoke_tokens",) if obj.tokens_live else ()  # type: ignore[attr-defined]
        offers_off = is_mfa_enabled(obj) and self.may_act_for(request, obj)
        return (*live, "turn_off_two_factor") if offers_off else live

    @admin.display(description="name", ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.name

    @admin.display(description="live tokens")
    def tokens(self, user: User) -> int:
        return int(user.tokens_live)  # type: ignore[attr-defined]

    @admin.display(description="password")
    def password_state(self, user: User) -> SafeString:
        """Whether there is one; Django's own widget shows the start of the hash."""
        usable = user.has_usable_password()
        return format_html(
            '{} <a href="../password/">{}</a>',
            "Set." if usable else "None: they can't log in to this website.",
            "Change it" if usable else "Set one",
        )

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("accounts.change_apitoken"))

    @admin.action(description="Revoke all tokens", permissions=["revoke"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def revoke_all(user: User) -> bool:
            return revoke_all_tokens(user) > 0

        self.act(request, queryset, revoke_all, "left without tokens")

    @admin.action(description="Turn off two-factor authentication", permissions=["operate"])
    def turn_off_two_factor(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """For who has lost the app and the recovery codes; the password is still needed."""

        def turn_off(user: User) -> bool:
            return self.has_change_permission(request, user) and disable_two_factor(user)

        self.act(request, queryset, turn_off, "left without two-factor authentication")

    # --- Issuing a token ---

    def get_urls(self) -> list[URLPattern]:
        issue = path(
            "<path:object_id>/issue-token/",
            self.admin_site.admin_view(self.issue_token_view),
            name="accounts_user_issue_token",
        )
        return [issue, *super().get_urls()]

    def may_issue(self, request: HttpRequest, user: User) -> bool:
        staff: Any = request.user
        return staff.has_perm("accounts.add_apitoken") and self.may_act_for(request, user)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = context.get("original")
        context["may_issue_token"] = user is not None and self.may_issue(request, user)
        return super().render_change_form(request, context, *args, **kwargs)

    @sensitive_variables("plain", "context")
    def issue_token_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for name, days and scopes; answer with the token, on this page alone.

        No redirect follows, for the plain text would have to be kept until its target is asked for.
        """
        user = self.get_object(request, unquote(object_id))
        if user is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined, no-any-return]
                request, self.opts, object_id
            )
        if not (self.may_issue(request, user) and self.has_view_permission(request, user)):
            raise PermissionDenied
        form = IssueTokenForm(request.POST if request.method == "POST" else None)
        token, plain = None, ""
        if form.is_valid():
            try:
                token, plain = issue_token_and_notify(user, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                self.log_change(request, user, f"Issued the token {token}.")
        context = {
            **self.admin_site.each_context(request),
            "title": "The new token" if token else "Issue a token",
            "subtitle": str(user),
            "opts": self.opts,
            "original": user,
            "form": form,
            "token": token,
            "plain": plain,
        }
        response = TemplateResponse(request, "admin/accounts/user/issue_token.html", context)
        response["Cache-Control"] = "no-store, private"
        return response
