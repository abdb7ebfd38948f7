"""The routes of django-allauth, with limits on those that send mails or change secrets.

Guesses at passwords and codes are charged where they are compared: in `accounts.login`.
"""

from collections.abc import Callable

from allauth.account import views
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.internal.stagekit import unstash_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path, re_path
from django.views.decorators.http import require_POST

from accounts.addresses import normalize_email
from accounts.login.known_browsers import known_browser_id
from accounts.website.confirm_email import confirm_email
from accounts.website.known_browsers import known_browser
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge
from chatapi.website.limits import charge, charge_posts


def mail_charges(request: HttpRequest, kind: str, email: str) -> list[Charge]:
    """Return the charges for a mail of a `kind` that a stranger requests for an address.

    They fall on the browser if the account has logged in with it, otherwise on the network. The
    limit over all networks is in the adapter, which sends nothing once it is exceeded.
    """
    email = normalize_email(email)
    browser = known_browser_id(request, email)
    if browser is not None:
        return [Charge("CODE_MAIL", f"{kind} browser {browser} {email}")]
    network = network_address(request)
    return [Charge("CODE_MAIL", f"{kind} {network} {email}"), Charge("MAIL_NETWORK", network)]


def charges_for_mail(kind: str) -> Callable[[HttpRequest], list[Charge]]:
    """Return the charges for a form in which a stranger enters an address to be mailed."""

    def charges(request: HttpRequest) -> list[Charge]:
        email = request.POST.get("email", "")
        return mail_charges(request, kind, email) if email.strip() else []

    return charges


def charges_for_address(request: HttpRequest) -> list[Charge]:
    if "action_remove" in request.POST:
        return []
    # Like an invitation, this sends a mail to an address of the account's choice.
    who = f"user {request.user.pk}"
    return [Charge("LOGIN", who), Charge("MAIL_ACCOUNT", who)]


def charges_for_password(request: HttpRequest) -> list[Charge]:
    return [Charge("LOGIN", f"user {request.user.pk}")]


@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Resend the mail that a sign-up or log-in is waiting for.

    The response does not reveal whether an account has the address.
    """
    login = unstash_login(request, peek=True)
    email = login and (login.email or (login.user and login.user.email))
    if not email:
        return redirect("account_login")
    charge(request, *mail_charges(request, "signup", email))
    send_verification_email_at_login(request, login)
    return redirect("account_email_verification_sent")


urlpatterns = [
    path("signup/", charge_posts(charges_for_mail("signup"))(views.signup), name="account_signup"),
    path(
        "password/reset/",
        charge_posts(charges_for_mail("reset"))(views.password_reset),
        name="account_reset_password",
    ),
    path("email/", charge_posts(charges_for_address)(views.email), name="account_email"),
    path(
        "password/change/",
        charge_posts(charges_for_password)(views.password_change),
        name="account_change_password",
    ),
    path("confirm-email/resend/", resend, name="account_resend"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", confirm_email, name="account_confirm_email"),
    path("known-browser/<str:key>/", known_browser, name="known-browser"),
    path("", include("allauth.urls")),
]
