"""What django-allauth asks of this service: its mails by rows, its limits exact."""

from typing import Any

from allauth.account import signals
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.mails import NOTICES
from accounts.models import User
from accounts.pages.limits import attempts, charge, give_back
from chatapi import crypto, mail
from chatapi.limits import network_address


def address_of(user: User) -> EmailAddress:
    """The row by which allauth knows an account's address; the API makes accounts without one."""
    row, _ = EmailAddress.objects.get_or_create(user=user, email=user.email)
    return row


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def is_ajax(self, request: HttpRequest) -> bool:
        return False  # these are pages; scripts have the API

    def get_client_ip(self, request: HttpRequest) -> str:
        return network_address(request)

    # --- Passwords ---

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        charges = attempts(request, credentials.get("email") or "")
        charge(request, *charges)
        user = super().authenticate(request, **credentials)
        if user is not None:  # only wrong ones count
            give_back(charges)
        return user

    def reauthenticate(self, user: User, password: str) -> bool:
        # By the account's own address: allauth's row for it may not be there yet.
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    # --- Addresses ---

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """False when another account has taken the address since, as by an invitation."""
        others = User.objects.exclude(pk=email_address.user_id)
        if not others.filter(email=email_address.email).exists():
            try:
                with transaction.atomic():
                    return bool(super().confirm_email(request, email_address))
            except IntegrityError:
                pass
        template = "account/messages/email_confirmation_failed.txt"
        self.add_message(request, messages.ERROR, template, {"email": email_address.email})
        return False

    # --- Mails, each a row ---

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix != "account/email/unknown_account":
            raise LookupError(f"no such kind of mail: {template_prefix}")
        mail.post("unknown_account", 0, email)

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: Any, signup: bool
    ) -> None:
        row = emailconfirmation.email_address
        mail.post("email_confirmation", row.pk, row.email)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        if email.lower() == user.email:  # not to one that is only on its way to be the account's
            mail.post("password_reset", address_of(user).pk, user.email)

    def send_account_already_exists_mail(self, email: str) -> None:
        for user in filter_users_by_email(email, is_active=True):
            if user.email == email.lower():
                mail.post("account_exists", address_of(user).pk, user.email)

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
            mail.post(kind, user.pk, email or user.email)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticator apps and recovery codes are encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)


@receiver(signals.password_reset)
def address_is_proven(user: User, **kwargs: Any) -> None:
    """The link was in a mail to this address and nowhere else."""
    row = address_of(user)
    if row.set_verified():
        row.set_as_primary(conditional=True)
