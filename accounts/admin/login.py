"""The log-in to the admin."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.actions.users import mail_browser_link
from accounts.login.forms import AuthenticateForm
from accounts.login.guesses import charge_guess


class StaffLogin(AdminAuthenticationForm):
    """The log-in of staff, with limits on guesses and two-factor authentication."""

    code = forms.CharField(
        label=_("Two-factor code"),
        required=False,
        help_text=_("Required if your account uses two-factor authentication."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        guess = charge_guess(self.request, self.cleaned_data.get("username", ""))
        if not guess.verdict.allowed:
            raise ValidationError(_("Too many attempts. Wait a few minutes and try again."))
        cleaned: dict[str, Any] = super().clean()
        if not guess.in_pool:
            mail_browser_link(self.get_user())
            raise self.get_invalid_login_error()
        self.check_code(cleaned)
        guess.refund()
        return cleaned

    def check_code(self, cleaned: dict[str, Any]) -> None:
        user = self.get_user()
        if not is_mfa_enabled(user):
            return
        form = AuthenticateForm({"code": cleaned.get("code", "")}, user=user)
        if not form.is_valid():
            raise ValidationError(_("Enter a code from your authenticator app or a recovery code."))
        form.authenticator.record_usage()


admin.site.login_form = StaffLogin


admin.site.login_template = "admin/staff_login.html"
