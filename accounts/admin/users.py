"""Accounts in the admin."""

from typing import TYPE_CHECKING, Any

import allauth.account.admin  # registers what is unregistered below
import allauth.mfa.admin  # noqa: F401 (registers the admin that is replaced below)
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin
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
from django.views.decorators.debug import sensitive_variables

from accounts.actions.addresses import drop_other_addresses
from accounts.actions.signups import reset_unverified_signup
from accounts.actions.tokens import issue_token_and_notify, revoke_all_tokens
from accounts.actions.users import disable_two_factor
from accounts.admin.tokens import IssueTokenForm, TokenInline
from accounts.models import ApiToken, User
from chatapi.admin.base import StaffAdmin
from chatapi.bus import publish
from chatapi.mail import outbox

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    PasswordChangeForm = AdminPasswordChangeForm[User]
else:
    CreationForm = AdminUserCreationForm
    PasswordChangeForm = AdminPasswordChangeForm


# allauth's own admin pages would show secrets, and let staff verify addresses by hand.
for _model in (EmailAddress, Authenticator):
    admin.site.unregister(_model)


class SetPasswordForm(PasswordChangeForm):
    """Set somebody's password, and notify them by mail."""

    def save(self, commit: bool = True) -> Any:
        user = super().save(commit)
        if commit:
            outbox.post("password_changed", user.pk, user.email)
        return user


class UserAddForm(CreationForm):
    """Create an account by its email address; a password is optional."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = self.fields["usable_password"]
        usable.label, usable.initial = "Password", "false"
        usable.help_text = "Only staff need a password, to log in here. The API uses tokens."


def live_token_count() -> Coalesce:
    """Count the tokens of a user that are live, provided that the account is active."""
    counted = (
        ApiToken.objects.filter(user=OuterRef("pk"), revoked_at=None, expires_at__gt=timezone.now())
        .order_by()
        .values("user")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Accounts are deactivated, not deleted, so that messages keep their author."""

    change_form_template = "admin/accounts/user/change_form.html"
    form = forms.ModelForm
    add_form = UserAddForm
    change_password_form = SetPasswordForm
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "email",
                    "first_name",
                    "last_name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "password_state")}),
        ("Status and permissions", {"fields": ("is_active", "is_staff", "is_superuser")}),
        (
            "Admin permissions",
            {"classes": ("collapse",), "fields": ("groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    readonly_fields = ("password_state", "created_at", "last_login")
    list_display = ("email", "full_name", "tokens", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    search_help_text = "Email address or name, or part of one"
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    actions = ("revoke_tokens", "turn_off_two_factor")
    inlines = (TokenInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(tokens_live=live_token_count())  # type: ignore[no-redef]  # declared by the model

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(str(field) for field in super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            # Staff who could grant these could grant them to themselves.
            fields += ("is_staff", "is_superuser", "groups", "user_permissions")
        return fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or self.may_act_for(request, obj)

    def may_act_for(self, request: HttpRequest, user: User) -> bool:
        """Return whether staff may change this account.

        A new password, address or token would give them the rights of a colleague, so only
        superusers may change other staff.
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
        publish.access_changed(f"user:{obj.pk}")  # the account may have been deactivated

    def page_actions(self, request: HttpRequest, obj: User) -> tuple[str, ...]:
        live = ("revoke_tokens",) if obj.tokens_live else ()
        offers_off = is_mfa_enabled(obj) and self.may_act_for(request, obj)
        return (*live, "turn_off_two_factor") if offers_off else live

    @admin.display(description="name", ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.name

    @admin.display(description="live tokens")
    def tokens(self, user: User) -> int:
        return int(user.tokens_live)

    @admin.display(description="password")
    def password_state(self, user: User) -> SafeString:
        """Show whether there is one; Django's own widget would show the start of the hash."""
        usable = user.has_usable_password()
        return format_html(
            '{} <a href="../password/">{}</a>',
            "Password set." if usable else "No password. This account can't log in.",
            "Change" if usable else "Set",
        )

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("accounts.change_apitoken"))

    @admin.action(description="Revoke all tokens", permissions=["revoke"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def revoke_all(user: User) -> bool:
            return revoke_all_tokens(user) > 0

        self.act(request, queryset, revoke_all, "had all tokens revoked")

    @admin.action(description="Turn off two-factor authentication", permissions=["operate"])
    def turn_off_two_factor(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """For people who lost the app and the recovery codes; they still need the password."""

        def turn_off(user: User) -> bool:
            return self.has_change_permission(request, user) and disable_two_factor(user)

        self.act(request, queryset, turn_off, "had two-factor authentication turned off")

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
        """Ask for name, days and scopes, then show the new token once.

        There is no redirect after the POST: it would require storing the plain text in between.
        """
        user = self.get_object(request, unquote(object_id))
        if user is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined, no-any-return]  # private
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
            "title": "New token" if token else "Issue a token",
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
