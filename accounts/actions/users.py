"""Create, rename and secure accounts."""

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F

from accounts.access.users import lock_user
from accounts.actions.signups import reset_unverified_signup
from accounts.actions.tokens import revoke_all_tokens
from accounts.addresses import parse_email
from accounts.models import User
from chatapi.limits.limiter import Charge, limiter
from chatapi.mail import outbox


def account_for(email: str) -> User:
    """Return the account with this address, creating one without a password if necessary.

    For operators, who go on to give the account rights. If a stranger signed up with the address
    and never verified it, what they set up is removed first. Raises ValidationError when `email`
    is not an address.
    """
    user, _created = User.objects.get_or_create(
        email=parse_email(email),
        defaults={"password": "!"},  # "!" is Django's mark of an unusable password
    )
    reset_unverified_signup(user)
    return user


def rename(user: User, *, first_name: str, last_name: str) -> None:
    user.first_name, user.last_name = first_name, last_name
    user.save(update_fields=["first_name", "last_name"])


def mail_browser_link(user: User) -> None:
    """Mail the account's owner a link that makes an unknown browser a known one.

    Used when the right secret was entered after too many wrong guesses. Only access to the mailbox
    can tell the owner from the guessers.
    """
    if limiter().take([Charge("CODE_MAIL", f"unknown browser {user.pk}")]).allowed:
        outbox.post("unknown_browser", user.pk, user.email)


def end_all_access(user: User) -> int:
    """Revoke all tokens of an account and end all its sessions, with the access they gave.

    To keep the current session, the caller updates its hash. Returns the number of tokens revoked.
    """
    with transaction.atomic():
        lock_user(user)
        User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
        user.refresh_from_db(fields=["session_generation"])
        return revoke_all_tokens(user)


def disable_two_factor(user: User) -> bool:
    """Remove all authenticators and notify the account's owner by mail.

    Returns False when there were none.
    """
    with transaction.atomic():
        deleted, _by_model = Authenticator.objects.filter(user=user).delete()
        if deleted:
            outbox.post("totp_deactivated", user.pk, user.email)
    return bool(deleted)
