"""What an account's address stands for: whether anybody has proven that it is theirs."""

from allauth.account.models import EmailAddress

from accounts.models import User


def is_proven(user: User) -> bool:
    """Whether the account's owner has opened a link that was mailed to its address."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def is_unproven_signup(user: User) -> bool:
    """Whether the password may be that of a stranger, who signed up with somebody's address.

    Operators make accounts without allauth's row of the address, and staff log in to the admin
    without one; nobody else gets in before the address is proven.
    """
    if not user.has_usable_password() or user.last_login or user.is_staff or user.is_superuser:
        return False
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=False).exists())
