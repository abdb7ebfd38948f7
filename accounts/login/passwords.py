"""Remember in the session that the account's password was entered in this browser."""

from typing import Any

from allauth.account.forms import SetPasswordForm
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare

from accounts.models import User

PasswordForm: Any = SetPasswordForm  # a new password, entered twice; takes `user`

KEY = "password_known"  # the session key that holds a hash derived from the password


def mark_password_known(request: HttpRequest, user: User) -> None:
    """Record that the account's current password was entered in this browser."""
    request.session[KEY] = user.get_session_auth_hash()


def knows_password(request: HttpRequest, user: User) -> bool:
    """Return whether it was entered here and has not changed since."""
    return constant_time_compare(request.session.get(KEY, ""), user.get_session_auth_hash())


def log_in(request: HttpRequest, user: User, redirect_to: str = "") -> HttpResponseBase:
    """Log in the browser in which the account's password was just set, then redirect to a path."""
    mark_password_known(request, user)
    login = Login(user=user, email=user.email, redirect_url=redirect_to or None)
    response: HttpResponseBase = perform_password_login(request, {"email": user.email}, login)
    return response
