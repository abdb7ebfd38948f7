"""The token that the website's own scripts call the API by.

It belongs to a session: a session has one at most, and it ends with the log-out. What they got by
it ends, too: who keeps such things listens to `ended`.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from accounts.actions import issue_token, lock, revoke_token
from accounts.models import ApiToken, User

NAME = "Browser"
DAYS = 1
KEY = "browser_token"  # in the session: the id of its token

ended = Signal()  # with `user`, who logged out or has a new password


def is_one(token: Any) -> bool:
    return isinstance(token, ApiToken) and token.name == NAME


def renew(user: User, session: SessionBase) -> tuple[ApiToken, str]:
    """A new token for a session, and its plain text; the session's former one ends.

    UpdateError when the session was logged out meanwhile.
    """
    with transaction.atomic():
        lock(user)
        as_stored = stored(session)  # it may have changed since this request began
        former = as_stored.get(KEY)
        if as_stored.session_key is None:
            raise UpdateError
        token, plain = issue_token(user, NAME, DAYS)
        session[KEY] = token.pk
        session.save()
        end(user, former)
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
