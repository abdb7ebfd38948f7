"""django-allauth's forms with additional rules."""

from typing import Any

from allauth.account import forms as account
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.access.addresses import is_verified
from accounts.actions.addresses import address_of, verify_address
from accounts.actions.tokens import revoke_all_tokens
from accounts.actions.users import mail_browser_link
from accounts.addresses import normalize_email
from accounts.login.guesses import charge_guess
from accounts.login.passwords import mark_password_known
from accounts.models import User
from chatapi.limits.limiter import Charge, limiter
from chatapi.website.limits import require_allowed


class LoginForm(account.LoginForm):
    def clean_login(self) -> str:
        return normalize_email(self.cleaned_data["login"])


class SignupForm(account.SignupForm):
    def validate_unique_email(self, value: str) -> str:
        # An unverified address that another account wants to move to is still free.
        self.account_already_exists = (
            User.objects.filter(email=value).exists()
            or EmailAddress.objects.filter(email=value, verified=True).exists()
        )
        return value

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # Hash as for a new account, so that the time taken reveals nothing.
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)

    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        address_of(user)  # allauth creates none while another account wants to move to the address
        mark_password_known(request, user)
        return user


class RevokeTokensMixin:
    """Offer to revoke all tokens together with a new password, in case the old one leaked."""

    user: User
    revokes_by_default = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["revoke_tokens"] = forms.BooleanField(  # type: ignore[attr-defined]  # the base of a mixin
            label=_("Revoke all my tokens"),
            required=False,
            initial=self.revokes_by_default,
            help_text=_(
                "Programs that use them will stop working. Do this if someone else may "
                "have had access."
            ),
        )

    def save(self) -> None:
        with transaction.atomic():
            self.set_password()
            if self.cleaned_data["revoke_tokens"]:  # type: ignore[attr-defined]  # the base of a mixin
                revoke_all_tokens(self.user)

    def set_password(self) -> None:
        super().save()  # type: ignore[misc]  # the base has no types


class ResetPasswordKeyForm(RevokeTokensMixin, account.ResetPasswordKeyForm):
    revokes_by_default = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.user and not is_verified(self.user):  # no user when the link has expired
            tokens = self.fields["revoke_tokens"]
            tokens.disabled = True  # `verify_address` revokes them anyway
            tokens.help_text = _(
                "This confirms your address for the first time. All earlier access is revoked."
            )

    def set_password(self) -> None:
        # The link is only sent to this address, so opening it verifies the address.
        verify_address(self.user, self.cleaned_data["password1"])


class ChangePasswordForm(RevokeTokensMixin, account.ChangePasswordForm):
    pass


class SetPasswordForm(RevokeTokensMixin, account.SetPasswordForm):
    pass


class LimitCodesMixin:
    """Limit guesses at codes. Right codes are not charged, but each works only once."""

    user: User

    def clean_code(self) -> str:
        guess = charge_guess(context.request, self.user.email, "code")
        require_allowed(context.request, guess.verdict)
        if not guess.in_pool:
            # The password was right. Do not check the code: the response time would reveal
            # whether it was right.
            mail_browser_link(self.user)
            raise get_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()  # type: ignore[misc]  # the base has no types
        used = Charge("USED_CODE", f"{self.user.pk} {normalize_user_code(code)}")
        if not limiter().take([used]).allowed:
            raise get_adapter().validation_error("incorrect_code")
        guess.refund()
        return code


class AuthenticateForm(LimitCodesMixin, mfa.AuthenticateForm):
    pass


class ReauthenticateForm(LimitCodesMixin, mfa.ReauthenticateForm):
    pass
