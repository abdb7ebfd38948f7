"""Lock accounts."""

from accounts.models import User


def lock_user(user: User) -> User:
    """Return the account's current row, locked until the transaction ends.

    Other changes to its tokens and sessions wait. Rows that refer to the account can still be
    written.
    """
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)
