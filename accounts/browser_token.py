"""The token that the website's own scripts call the API by.

It belongs to a session: a session has one at most, and it ends with the log-out, as does what they
got by it.
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

from accounts.actions import issue_token, lock, revoke_token, token_replaced
from accounts.models import ApiToken, User

NAME = "Browser"
DAYS = 1
KEY = "browser_token"  # in the session: the id of its token

# With `user`, who logged out or has a new password. For access that was given to browsers before it
# kept its origin.
ended = Signal()


def hold_session(user: User, session: SessionBase) -> SessionBase:
    """The session as it is stored; until the transaction ends, it and its account stay as they are.

    UpdateError when it was ended since this request began: by a log-out, a new password or another
    browser, or because the account was switched off.
    """
    account = lock(user)
    as_stored = stored(session)
    as_stored.get(KEY)  # loads it, if it is there
    same = constant_time_compare(session.get(HASH_SESSION_KEY, ""), account.get_session_auth_hash())
    if as_stored.session_key is None or not same or not account.is_active:
        raise UpdateError
    return as_stored


def renew(user: User, session: SessionBase) -> tuple[ApiToken, str]:
    """A new token for a session, and its plain text; the session's former one ends.

    What was got by the former one goes on. UpdateError when the session was ended meanwhile.
    """
    with transaction.atomic():
        former_id: int | None = hold_session(user, session).get(KEY)
        token, plain = issue_token(user, NAME, DAYS)
        session[KEY] = token.pk
        session.save()
        held = user.api_tokens.select_for_update(no_key=True)
        former = held.filter(pk=former_id).first() if former_id else None
        if former is not None:
            token_replaced.send(ApiToken, former=former, token=token)
            revoke_token(former)
    return token, plain


def end_all(user: User) -> None:
    """End the tokens of all sessions."""
    with transaction.atomic():
        for token in user.api_tokens.filter(name=NAME, revoked_at=None):
            revoke_token(token)
        ended.send(User, user=user)


@receiver(post_save, sender=User)
def end_with_the_password(sender: Any, instance: User, created: bool, **kwargs: Any) -> None:
    """A new password ends all sessions, by Django itself; also one set in the admin."""
    if not created and getattr(instance, "_password", None) is not None:  # Django's mark of one
        end_all(instance)


@receiver(user_logged_out)
def end_with_the_session(
    sender: Any, request: HttpRequest | None, user: User | None, **kwargs: Any
) -> None:
    if request is None or user is None or not hasattr(request, "session"):
        return
    with transaction.atomic():
        lock(user)
        former = stored(request.session).get(KEY)
        if former is not None:
            request.session.delete()  # from here on, no request of it gets another one
            end(user, former)
            ended.send(User, user=user)


def stored(session: SessionBase) -> SessionBase:
    return type(session)(session.session_key)


def end(user: User, token_id: int | None) -> None:
    token = user.api_tokens.filter(pk=token_id).first() if token_id else None
    if token is not None:
        revoke_token(token)
