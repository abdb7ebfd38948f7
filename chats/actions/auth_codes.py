"""Mail auth codes to an address, and exchange them for chat-user tokens.

A code is six digits, derived by HMAC from a random nonce. So the same code can be mailed again
after a failure, and no code is stored. Only the newest code of a chat user is valid.
"""

import hashlib
import hmac
import secrets
import time
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.db.encryption import decrypt, encrypt
from chatapi.mail import outbox
from chats.access import chat_users as chat_user_access
from chats.actions import events, tokens
from chats.models import AuthCode, ChatUser, ChatUserToken, EventType

MAX_ATTEMPTS = 5  # of the browser that requested the code, and the same number of its network
MAX_OTHER_ATTEMPTS = 10  # of everyone else together
REFUSAL_SECONDS = 0.02


def lifetime() -> timedelta:
    return timedelta(minutes=settings.AUTH_CODE_MINUTES)


def digits(code: AuthCode) -> str:
    """The six digits, from 100000 to 999999."""
    value = hmac.digest(
        settings.SECRET_KEY.encode(), b"auth-code:" + bytes(code.nonce), hashlib.sha256
    )
    return str(100_000 + int.from_bytes(value[:8], "big") % 900_000)


def mail_code(chat_user: ChatUser, network: str = "") -> AuthCode:
    """Create a code for a chat user, which ends earlier ones, and queue its mail.

    `network` is where it was requested; guesses from there are counted separately.
    """
    now = timezone.now()
    AuthCode.objects.filter(chat_user=chat_user, used_at=None).update(used_at=now)
    code = AuthCode.objects.create(
        chat_id=chat_user.chat_id,
        chat_user=chat_user,
        nonce=secrets.token_bytes(16),
        asked_from=hash_network(network),
        created_at=now,
        expires_at=now + lifetime(),
    )
    outbox.post("auth_code", code.pk, chat_user.email)
    return code


def restart_lifetime(code_id: int, at: datetime) -> None:
    """Let a code's lifetime start when its mail was sent, however long the mail was queued."""
    AuthCode.objects.filter(pk=code_id, used_at=None).update(expires_at=at + lifetime())


def hash_network(network: str) -> str:
    """A keyed hash of a network, so that no IP address is stored."""
    key = settings.SECRET_KEY.encode()
    return hmac.digest(key, f"network:{network}".encode(), hashlib.sha256).hex()[:32]


def attempt_key(chat_id: int, code_id: int) -> str:
    """The key that the browser which requested a code sends along, to be counted separately.

    It is encrypted and always equally long, so that a key for no code (0) looks like any other.
    """
    return encrypt(f"attempt {chat_id:020} {code_id:020}")


def read_attempt_key(chat_id: int | None, key: str) -> int | None:
    """The id of the code that an attempt key of this chat belongs to; None if it is invalid."""
    try:
        word, chat, code_id = decrypt(key).split(" ")
    except (InvalidToken, ValueError):
        return None
    return int(code_id) if word == "attempt" and int(chat) == chat_id else None


def exchange(
    chat_id: int | None, email: str, given: str, *, network: str = "", key_of: int | None = None
) -> tuple[ChatUserToken, str, ChatUser]:
    """Exchange a code for a token. A chat user who was not in the chat joins it.

    `key_of` is the id of the code whose attempt key was sent. Raises ApiError 422
    `invalid_auth_code`, which is the same for an unknown chat, address or code and for a wrong,
    expired or used code.
    """
    started = time.monotonic()
    code = count_attempt(chat_id, email, hash_network(network), key_of)
    right = digits(code) if code else ""
    if not hmac.compare_digest(right.encode(), given.encode()) or code is None:
        # The time of a refusal must not reveal whether there was a code to count an attempt of.
        time.sleep(max(0.0, started + REFUSAL_SECONDS - time.monotonic()))
        raise invalid_code()
    with transaction.atomic():
        chat = events.lock_chat(code.chat_id)
        if not AuthCode.objects.filter(pk=code.pk, used_at=None).update(used_at=timezone.now()):
            raise invalid_code()
        chat_user = ChatUser.objects.select_related("membership").get(pk=code.chat_user_id)
        if chat_user_access.is_barred(chat, chat_user.email, chat_user):
            raise invalid_code()
        verify(chat_user)
        token, plain = tokens.issue(chat_user, chat.company.chat_user_token_days)
    return token, plain, chat_user


def count_attempt(
    chat_id: int | None, email: str, asked_from: str, key_of: int | None
) -> AuthCode | None:
    """Count an attempt on the newest code of an address. None when no attempt is left.

    One conditional UPDATE counts the attempt before the code is compared, so that concurrent
    guesses cannot share it. Strangers share a pool, so that they cannot use up the attempts of the
    person who requested the code.
    """
    newest = AuthCode.objects.filter(
        chat_id=chat_id or 0,
        chat_user__email=email,
        chat__deleted_at=None,
        chat__company__deleted_at=None,
    ).order_by("-pk")
    code = newest.first()
    if code is None:
        return None
    if key_of == code.pk:
        counter, limit = "attempts", MAX_ATTEMPTS
    elif code.asked_from == asked_from:
        counter, limit = "network_attempts", MAX_ATTEMPTS
    else:
        counter, limit = "other_attempts", MAX_OTHER_ATTEMPTS
    open_code = AuthCode.objects.filter(
        pk=code.pk, used_at=None, expires_at__gt=timezone.now(), **{f"{counter}__lt": limit}
    )
    counted = open_code.update(**{counter: F(counter) + 1})
    return code if counted else None


def verify(chat_user: ChatUser) -> None:
    """Record that the address is verified. The chat user joins the chat, if they are not in it."""
    was = (chat_user.status, chat_user.assurance, chat_user.role)
    membership = chat_user.membership
    if chat_user.role == ChatUser.Role.AGENT and (membership is None or membership.ended_at):
        # A former agent who is no longer a member returns as a guest.
        chat_user.role = ChatUser.Role.GUEST
        chat_user.user = chat_user.membership = None
    if chat_user.role == ChatUser.Role.GUEST:
        chat_user.assurance = ChatUser.Assurance.EMAIL_VERIFIED
    joins = chat_user.status != ChatUser.Status.ACTIVE
    if joins:
        chat_user.status = ChatUser.Status.ACTIVE
        chat_user.joined_at, chat_user.left_at = timezone.now(), None
    if chat_user.assurance != was[1]:
        # Tokens issued for an unverified claim to the address must not remain valid.
        tokens.revoke_all(chat_user)
    if was != (chat_user.status, chat_user.assurance, chat_user.role):
        chat_user.save(
            update_fields=[
                "status",
                "assurance",
                "role",
                "user",
                "membership",
                "joined_at",
                "left_at",
            ]
        )
        events.append_for_chat_user(
            chat_user, EventType.USER_JOINED if joins else EventType.USER_UPDATED
        )


def invalid_code() -> ApiError:
    return ApiError(
        ErrorCode.INVALID_AUTH_CODE, "This code is not valid. Request a new one.", "auth-code"
    )
