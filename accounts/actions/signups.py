"""Undo sign-ups whose email address was never verified."""

from django.db import transaction

from accounts.access.addresses import is_unverified_signup
from accounts.access.users import lock_user
from accounts.actions.addresses import clear_account
from accounts.models import User


def reset_unverified_signup(user: User) -> bool:
    """Remove the password and everything else that a stranger may have set up.

    Returns False, and changes nothing, when the account is not an unverified sign-up.
    """
    if not is_unverified_signup(user):
        return False
    with transaction.atomic():
        lock_user(user)
        user.refresh_from_db()
        if not is_unverified_signup(user):  # verified in the meantime
            return False
        clear_account(user)
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return True


def delete_unverified_signup(email: str) -> None:
    """Delete an unverified sign-up so that another account can take its address.

    An account to which an operator gave a token or a membership is kept.
    """
    for user in User.objects.filter(email=email, api_tokens=None, memberships=None):
        if is_unverified_signup(user):
            user.delete()
