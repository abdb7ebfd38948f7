"""django-allauth's hooks: mails go through the outbox, and limits are exact."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts.actions.addresses import address_of, drop_claims, verify_address
from accounts.actions.signups import delete_unverified_signup
from accounts.actions.users import mail_browser_link
from accounts.addresses import normalize_email, parse_email
from accounts.login.guesses import charge_guess
from accounts.login.known_browsers import known_browser_id
from accounts.login.passwords import knows_password, mark_password_known
from accounts.mails import NOTICES
from accounts.models import User
from chatapi.db import encryption
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, limiter
from chatapi.mail import outbox
from chatapi.website.limits import require_allowed


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def is_ajax(self, request: HttpRequest) -> bool:
        return False  # allauth serves pages only; scripts call the API

    def get_client_ip(self, request: HttpRequest) -> str:
        return network_address(request)

    # --- Passwords ---

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        guess = charge_guess(request, credentials.get("email") or "")
        require_allowed(request, guess.verdict)
        user = super().authenticate(request, **credentials)
        if user is None:
            return None
        if not guess.in_pool:
            mail_browser_link(user)
            return None
        guess.refund()
        mark_password_known(request, user)
        return user

    def login(self, request: HttpRequest, user: User) -> None:
        # A log-in may wait for a code or a mail; the password may have changed by then.
        if not knows_password(request, user):
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def reauthenticate(self, user: User, password: str) -> bool:
        # Use the account's own address: allauth may have no row for it yet.
        found = self.authenticate(allauth_context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    # --- Addresses ---

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address; return False when another account has taken it in the meantime.

        The view has checked that whoever pressed the button knows the account's password.
        """
        email, user = email_address.email, email_address.user
        if user.email == email:
            verify_address(user)
            template = "account/messages/email_confirmed.txt"
            self.add_message(request, messages.SUCCESS, template, {"email": email})
            return True
        try:
            with transaction.atomic():
                delete_unverified_signup(email)
                if super().confirm_email(request, email_address):
                    drop_claims(user)
                    return True
        except IntegrityError:  # another account has the address
            pass
        template = "account/messages/email_confirmation_failed.txt"
        self.add_message(request, messages.ERROR, template, {"email": email})
        return False

    # --- Mails ---

    def post(self, pool: str, kind: str, about: int, email: str) -> None:
        """Post a mail that somebody requested without a session.

        Strangers share one pool per address. When it is empty, the page looks the same but nothing
        is sent. Browsers that the account has logged in with are exempt.
        """
        known = known_browser_id(allauth_context.request, normalize_email(email)) is not None
        shared = Charge("MAIL", f"{pool} {normalize_email(email)}")
        if known or limiter().take([shared]).allowed:
            outbox.post(kind, about, email)

    def clean_email(self, email: str) -> str:
        return parse_email(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix != "account/email/unknown_account":
            raise LookupError(f"no such kind of mail: {template_prefix}")
        self.post("reset", "unknown_account", 0, email)

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: Any, signup: bool
    ) -> None:
        row = emailconfirmation.email_address
        if request.user.is_authenticated:  # the view has charged the account
            outbox.post("email_confirmation", row.pk, row.email)
        else:
            self.post("signup", "email_confirmation", row.pk, row.email)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        # Not to an address that the account has entered but not verified.
        if normalize_email(email) == user.email:
            self.post("reset", "password_reset", address_of(user).pk, user.email)

    def send_account_already_exists_mail(self, email: str) -> None:
        for user in filter_users_by_email(email, is_active=True):
            if user.email == normalize_email(email):
                self.post("signup", "account_exists", address_of(user).pk, user.email)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        name = template_prefix.rpartition("/")[2]
        kind = "password_changed" if name == "password_reset" else name
        if kind in NOTICES:
            outbox.post(kind, user.pk, email or user.email)


class MfaAdapter(DefaultMFAAdapter):
    """Encrypt the secrets of authenticator apps and recovery codes at rest."""

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)
