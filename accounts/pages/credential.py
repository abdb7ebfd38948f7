"""Whether a browser knows an account's password, and letting one in that has just set it."""

from typing import Any

from allauth.account.forms import SetPasswordForm
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare

from accounts.models import User

PasswordForm: Any = SetPasswordForm  # a new password, typed twice; takes `user`

KEY = "password_known"  # in the session: a hash of the password that was typed in this browser


def remember(request: HttpRequest, user: User) -> None:
    """The account's present password has been typed in this browser."""
    request.session[KEY] = user.get_session_auth_hash()


def knows_password(request: HttpRequest, user: User) -> bool:
    """Whether it was, and has not changed since."""
    return constant_time_compare(request.session.get(KEY, ""), user.get_session_auth_hash())


def enter(request: HttpRequest, user: User, then: str = "") -> HttpResponseBase:
    """Log in the browser that has just set the account's password; `then` is a path."""
    remember(request, user)
    login = Login(user=user, email=user.email, redirect_url=then or None)
    answer: HttpResponseBase = perform_password_login(request, {"email": user.email}, login)
    return answer
