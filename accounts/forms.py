"""Forms of django-allauth that this service holds to rules of its own."""

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from django.http import HttpRequest

from accounts.models import User
from accounts.pages.limits import charge, give_back
from chatapi.limits import Charge, limiter


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # Takes as long as a new account, whose password is hashed.
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)


class Counted:
    """A code that is guessed costs; one that is right does not, and is right only once."""

    user: User

    def clean_code(self) -> str:
        who = f"code of {self.user.pk}"
        charges = [Charge("LOGIN", who), Charge("PASSWORD", who)]
        charge(context.request, *charges)
        code: str = super().clean_code()  # type: ignore[misc]
        used = Charge("USED_CODE", f"{self.user.pk} {normalize_user_code(code)}")
        if not limiter().take([used]).allowed:
            raise get_adapter().validation_error("incorrect_code")
        give_back(charges)
        return code


class AuthenticateForm(Counted, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(Counted, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass
