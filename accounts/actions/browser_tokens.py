"""Tokens with which the website's own scripts call the API.

A session has at most one. Logging out revokes it and ends the access it gave.
"""

from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.access.users import lock_user
from accounts.actions.tokens import issue_token, revoke_token, token_replaced
from accounts.models import ApiToken, User

NAME = "Browser"
DAYS = 1
KEY = "browser_token"  # the session key that holds the token's id

# Sent with `user` after a log-out or a new password. For access that browsers were given before
# the token it came from was recorded.
ended = Signal()


def lock_session(user: User, session: SessionBase) -> SessionBase:
    """Return the session as stored, locking its account until the transaction ends.

    Raises UpdateError when the session has ended since this request began: by a log-out, by a new
    password, from another browser, or because the account was deactivated.
    """
    account = lock_user(user)
    as_stored = load_stored(session)
    as_stored.get(KEY)  # loads the session, if it still exists
    same = constant_time_compare(session.get(HASH_SESSION_KEY, ""), account.get_session_auth_hash())
    if as_stored.session_key is None or not same or not account.is_active:
        raise UpdateError
    return as_stored


def renew(user: User, session: SessionBase) -> tuple[ApiToken, str]:
    """Issue a new token for a session, revoke the former one, and return the new one's plain text.

    Access that the former token gave is kept. Raises UpdateError when the session has ended in the
    meantime.
    """
    with transaction.atomic():
        former_id: int | None = lock_session(user, session).get(KEY)
        token, plain = issue_token(user, NAME, DAYS)
        session[KEY] = token.pk
        session.save()
        held = user.api_tokens.select_for_update(no_key=True)
        former = held.filter(pk=former_id).first() if former_id else None
        if former is not None:
            token_replaced.send(ApiToken, former=former, token=token)
            revoke_token(former)
    return token, plain


def revoke_all(user: User) -> None:
    """Revoke the tokens of all sessions."""
    with transaction.atomic():
        for token in user.api_tokens.filter(name=NAME, revoked_at=None):
            revoke_token(token)
        ended.send(User, user=user)


@receiver(post_save, sender=User)
def revoke_on_password_change(sender: Any, instance: User, created: bool, **kwargs: Any) -> None:
    """Revoke tokens where Django ends all sessions: on any new password, also from the admin."""
    # Django sets `_password` when the password was changed.
    if not created and getattr(instance, "_password", None) is not None:
        revoke_all(instance)


@receiver(user_logged_out)
def revoke_on_logout(
    sender: Any, request: HttpRequest | None, user: User | None, **kwargs: Any
) -> None:
    if request is None or user is None or not hasattr(request, "session"):
        return
    with transaction.atomic():
        lock_user(user)
        former = load_stored(request.session).get(KEY)
        if former is not None:
            request.session.delete()  # so that no concurrent request can renew the token
            token = user.api_tokens.filter(pk=former).first()
            if token is not None:
                revoke_token(token)
            ended.send(User, user=user)


def load_stored(session: SessionBase) -> SessionBase:
    return type(session)(session.session_key)
