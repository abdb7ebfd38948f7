"""Verify email addresses and settle which account owns them."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.access.addresses import is_verified
from accounts.access.users import lock_user
from accounts.actions.tokens import revoke_all_tokens
from accounts.models import User


@sensitive_variables("password")
def verify_address(user: User, password: str | None = None) -> None:
    """Mark the account's address as verified, after its owner opened a link mailed there.

    `password` becomes the account's password. If the address had not been verified before, tokens,
    authenticators and other addresses are removed as well, since a stranger may have added them.
    Without `password`, the caller must have checked that the owner knows the current one.

    Other accounts lose their unverified claims to the address.
    """
    with transaction.atomic():
        lock_user(user)
        first = not is_verified(user)
        if password is not None:
            if first:
                clear_account(user)
            user.set_password(password)
            user.save(update_fields=["password"])
        if first:
            drop_other_addresses(user)
            drop_claims(user)
            row = address_of(user)
            row.verified = row.primary = True
            row.save(update_fields=["verified", "primary"])


def address_of(user: User) -> EmailAddress:
    """Return allauth's row for the account's address; create it for an operator's account."""
    row, _created = EmailAddress.objects.get_or_create(user=user, email=user.email)
    return row


def drop_other_addresses(user: User) -> None:
    """Delete all addresses of an account except its own."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()


def drop_claims(user: User) -> None:
    """Delete other accounts' claims to this account's address, which has been verified."""
    EmailAddress.objects.filter(email=user.email).exclude(user=user).delete()


def clear_account(user: User) -> None:
    """Remove tokens, authenticators and other addresses.

    Sessions are left to the caller: they end when the password changes.
    """
    revoke_all_tokens(user)
    Authenticator.objects.filter(user=user).delete()
    drop_other_addresses(user)
