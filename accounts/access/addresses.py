"""Check whether the email address of an account has been verified."""

from allauth.account.models import EmailAddress

from accounts.models import User


def is_verified(user: User) -> bool:
    """Return whether the owner has opened a link that was mailed to the account's address."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def is_unverified_signup(user: User) -> bool:
    """Return whether a stranger may have signed up with this address and set the password.

    Accounts that operators create have no allauth row for the address. Staff can log in to the
    admin without one. Everybody else must verify the address before the first log-in.
    """
    if not user.has_usable_password() or user.last_login or user.is_staff or user.is_superuser:
        return False
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=False).exists())
