"""The routes of django-allauth, with those that mail or guess counted.

A wrong password and a wrong code are counted where they are compared: in the adapter and the forms.
"""

from collections.abc import Callable

from allauth.account import views
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.internal.stagekit import unstash_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path, re_path
from django.views.decorators.http import require_POST

from accounts.pages.confirm import confirm_email
from accounts.pages.known_browser import be_known
from accounts.pages.limits import charge, counted, mail_charges
from chatapi.limits.limiter import Charge


def asks_for_mail(kind: str) -> Callable[[HttpRequest], list[Charge]]:
    """A stranger who has a mail of a `kind` sent to an address."""

    def charges(request: HttpRequest) -> list[Charge]:
        email = request.POST.get("email", "")
        return mail_charges(request, kind, email) if email.strip() else []

    return charges


def changes_email(request: HttpRequest) -> list[Charge]:
    if "action_remove" in request.POST:
        return []
    # Mails to an address of the account's choice, as its invitations are.
    who = f"user {request.user.pk}"
    return [Charge("LOGIN", who), Charge("MAIL_ACCOUNT", who)]


def changes_password(request: HttpRequest) -> list[Charge]:
    return [Charge("LOGIN", f"user {request.user.pk}")]


@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """The mail of a sign-up or log-in that waits for it; the same for an address that is known."""
    login = unstash_login(request, peek=True)
    email = login and (login.email or (login.user and login.user.email))
    if not email:
        return redirect("account_login")
    charge(request, *mail_charges(request, "signup", email))
    send_verification_email_at_login(request, login)
    return redirect("account_email_verification_sent")


urlpatterns = [
    path("signup/", counted(asks_for_mail("signup"))(views.signup), name="account_signup"),
    path(
        "password/reset/",
        counted(asks_for_mail("reset"))(views.password_reset),
        name="account_reset_password",
    ),
    path("email/", counted(changes_email)(views.email), name="account_email"),
    path(
        "password/change/",
        counted(changes_password)(views.password_change),
        name="account_change_password",
    ),
    path("confirm-email/resend/", resend, name="account_resend"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", confirm_email, name="account_confirm_email"),
    path("known-browser/<str:key>/", be_known, name="known-browser"),
    path("", include("allauth.urls")),
]
