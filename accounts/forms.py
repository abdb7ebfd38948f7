"""Forms of django-allauth that this service holds to rules of its own."""

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

from accounts import guessing
from accounts.access.addresses import is_verified
from accounts.actions.addresses import address_of, verify_address
from accounts.actions.tokens import revoke_all_tokens
from accounts.actions.users import mail_browser_link
from accounts.addresses import normal_email
from accounts.models import User
from accounts.pages.credential import remember
from accounts.pages.limits import require
from chatapi.limits.limiter import Charge, limiter


class LoginForm(account.LoginForm):  # type: ignore[misc]
    def clean_login(self) -> str:
        return normal_email(self.cleaned_data["login"])


class SignupForm(account.SignupForm):  # type: ignore[misc]
    def validate_unique_email(self, value: str) -> str:
        # An address that an account is only about to move to is nobody's yet.
        self.account_already_exists = (
            User.objects.filter(email=value).exists()
            or EmailAddress.objects.filter(email=value, verified=True).exists()
        )
        return value

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # Takes as long as a new account, whose password is hashed.
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)

    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        address_of(user)  # allauth makes none while another account is about to move to the address
        remember(request, user)
        return user


class Revoking:
    """A form for a new password, with an offer to revoke what the old one may have let out."""

    user: User
    revokes_unless_told = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["revoke_tokens"] = forms.BooleanField(  # type: ignore[attr-defined]
            label=_("Revoke all my tokens"),
            required=False,
            initial=self.revokes_unless_told,
            help_text=_("Programs that use one stop working. Do it if somebody may have got in."),
        )

    def save(self) -> None:
        with transaction.atomic():
            self.set_password()
            if self.cleaned_data["revoke_tokens"]:  # type: ignore[attr-defined]
                revoke_all_tokens(self.user)

    def set_password(self) -> None:
        super().save()  # type: ignore[misc]


class ResetPasswordKeyForm(Revoking, account.ResetPasswordKeyForm):  # type: ignore[misc]
    revokes_unless_told = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.user and not is_verified(self.user):  # none when the link is too old
            tokens = self.fields["revoke_tokens"]
            tokens.disabled = True  # they end anyhow
            tokens.help_text = _("This is the first proof of your address; what was before ends.")

    def set_password(self) -> None:
        # The link was in a mail to this address and nowhere else.
        verify_address(self.user, self.cleaned_data["password1"])


class ChangePasswordForm(Revoking, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(Revoking, account.SetPasswordForm):  # type: ignore[misc]
    pass


class Counted:
    """A code that is guessed costs; one that is right does not, and is right only once."""

    user: User

    def clean_code(self) -> str:
        guess = guessing.guess(context.request, self.user.email, "code")
        require(context.request, guess.verdict)
        if not guess.in_pool:
            # The password was right. The code is not looked at, so that how long the answer takes
            # tells nothing of it.
            mail_browser_link(self.user)
            raise get_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()  # type: ignore[misc]
        used = Charge("USED_CODE", f"{self.user.pk} {normalize_user_code(code)}")
        if not limiter().take([used]).allowed:
            raise get_adapter().validation_error("incorrect_code")
        guess.was_right()
        return code


class AuthenticateForm(Counted, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(Counted, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass
