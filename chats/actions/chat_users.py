"""Join, invite, leave, remove and ban chat users."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.access.tokens import lock_token
from accounts.models import ApiToken, User
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.mail import outbox
from chats import hints
from chats.access import chat_users as access
from chats.actions import auth_codes, events, tokens
from chats.models import Chat, ChatUser, EventType
from companies.models import Membership


@dataclass(frozen=True, slots=True)
class JoinResult:
    """The result of a join or an invitation.

    `created` is whether the address was new to the chat. `token` is set when one was issued. When
    `code_mailed`, an auth code was mailed, and `attempt_key` is for the browser that requested it.
    """

    chat_user: ChatUser
    created: bool
    token: str | None = None
    expires_at: datetime | None = None
    code_mailed: bool = False
    attempt_key: str | None = None


class Trust(Enum):
    """How far a join is trusted, before its auth code is entered."""

    STRANGER = "stranger"  # anyone may enter any address
    GUEST = "guest"  # has the password from the company, or a verified address


def trust_of(chat: Chat, email: str) -> Trust | None:
    """How far a join by this address is trusted, once the password was correct.

    None when the join needs no code. A stranger who started a chat knows its password, so there the
    password proves nothing.
    """
    known = ChatUser.objects.filter(chat=chat, email=email).first()
    if known is None and not chat.company.verify_first_join:
        return None
    verified = known is not None and known.assurance != ChatUser.Assurance.CLAIMED
    return Trust.GUEST if verified or not chat.started_by_guest else Trust.STRANGER


def join_as_guest(
    chat: Chat,
    *,
    email: str,
    first_name: str,
    last_name: str,
    network: str = "",
    may_mail: bool = True,
) -> JoinResult:
    """Let a guest who knows the password join or rejoin.

    An address that is new to the chat joins it, and gets a token at once unless the company
    verifies first joins. A known address gets a code. Raises ApiError 403 `banned`, also for a
    former member of the company.

    `network` is where the guest joins from. Without `may_mail`, no code is created, but the answer
    is the same: strangers have already had too many codes mailed to this address.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat.pk)
        known = ChatUser.objects.filter(chat=chat, email=email).first()
        if access.is_barred(chat, email, known):
            raise ApiError(ErrorCode.BANNED)
        if known is not None:
            if known.status == ChatUser.Status.INVITED and not known.first_name:
                # A member invited them, by address only.
                known.first_name, known.last_name = first_name, last_name
                known.save(update_fields=["first_name", "last_name"])
            return join_with_code(known, False, network, may_mail)
        chat_user = ChatUser.objects.create(
            chat=chat,
            email=email,
            first_name=first_name,
            last_name=last_name,
            joined_at=timezone.now(),
        )
        events.append_for_chat_user(chat_user, EventType.USER_JOINED)
        return admit_new_guest(chat, chat_user, network, may_mail)


def join_with_code(chat_user: ChatUser, created: bool, network: str, may_mail: bool) -> JoinResult:
    code_id = auth_codes.mail_code(chat_user, network).pk if may_mail else 0
    key = auth_codes.attempt_key(chat_user.chat_id, code_id)
    return JoinResult(chat_user, created, code_mailed=True, attempt_key=key)


def admit_new_guest(chat: Chat, chat_user: ChatUser, network: str, may_mail: bool) -> JoinResult:
    """A new guest gets a code or, where the company does not verify first joins, a token."""
    if chat.company.verify_first_join:
        return join_with_code(chat_user, True, network, may_mail)
    token, plain = tokens.issue(chat_user, chat.company.chat_user_token_days)
    return JoinResult(chat_user, created=True, token=plain, expires_at=token.expires_at)


def join_as_agent(chat_id: int, user: User, *, origin: ApiToken | None = None) -> JoinResult:
    """Let a member join as agent. Each call issues a new token, which ends with its `origin`.

    Raises ApiError 401 when the `origin` has just ended.
    """
    with transaction.atomic():
        if origin is not None:
            origin = lock_token(origin)
        chat = events.lock_chat(chat_id)
        live = Membership.objects.live().filter(company=chat.company_id, user=user)
        membership = live.filter(user__is_active=True).first()
        if membership is None:  # it ended during the request
            raise not_found()
        chat_user, created = ChatUser.objects.get_or_create(
            chat=chat, email=user.email, defaults={"status": ChatUser.Status.INVITED}
        )
        was_in = chat_user.status == ChatUser.Status.ACTIVE
        if not was_in or chat_user.membership_id != membership.pk:
            if not was_in:
                chat_user.joined_at, chat_user.left_at = timezone.now(), None
            chat_user.user, chat_user.membership = user, membership
            chat_user.first_name = user.first_name or user.name[:100]
            chat_user.last_name = user.last_name
            chat_user.role = ChatUser.Role.AGENT
            chat_user.status = ChatUser.Status.ACTIVE
            chat_user.assurance = ChatUser.Assurance.MEMBER
            chat_user.save(
                update_fields=[
                    "user",
                    "membership",
                    "first_name",
                    "last_name",
                    "role",
                    "status",
                    "assurance",
                    "joined_at",
                    "left_at",
                ]
            )
            # Tokens issued for an unverified claim to this address must not act as the agent.
            tokens.revoke_all(chat_user)
            events.append_for_chat_user(
                chat_user, EventType.USER_UPDATED if was_in else EventType.USER_JOINED
            )
        days = chat.company.chat_user_token_days
        token, plain = tokens.issue(chat_user, days, origin=origin)
    return JoinResult(chat_user, created=created, token=plain, expires_at=token.expires_at)


def invite(chat_id: int, *, email: str, first_name: str = "", last_name: str = "") -> JoinResult:
    """Mail the chat's link to an address. The chat user is `invited` until they join by a code.

    A former member of the company is invited as a guest. Raises ApiError 403 `banned`, also for an
    inactive account.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat_id)
        chat_user, created = ChatUser.objects.get_or_create(
            chat=chat,
            email=email,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "status": ChatUser.Status.INVITED,
            },
        )
        if is_former_agent(chat_user):
            if chat_user.status == ChatUser.Status.ACTIVE:
                chat_user = remove(chat_user)
            if chat_user.status != ChatUser.Status.BANNED:
                chat_user.status, chat_user.role = ChatUser.Status.INVITED, ChatUser.Role.GUEST
                chat_user.user = chat_user.membership = None
        chat_user.invited_at = timezone.now()
        if access.is_barred(chat, email, chat_user):
            raise ApiError(ErrorCode.BANNED)
        chat_user.save(update_fields=["status", "role", "user", "membership", "invited_at"])
        outbox.post("chat_invitation", chat_user.pk, email)
    return JoinResult(chat_user, created=created)


def is_former_agent(chat_user: ChatUser) -> bool:
    """Return whether an agent's membership has ended or their account is inactive."""
    if chat_user.role != ChatUser.Role.AGENT:
        return False
    membership = Membership.objects.live().filter(chat_users=chat_user, user__is_active=True)
    return not membership.exists()


def update(chat_user: ChatUser, fields: dict[str, Any], status: str | None = None) -> ChatUser:
    """Update names and status.

    `banned` bans a guest or a former agent; `removed` removes a chat user or lifts a ban. Raises
    ApiError 422 for a ban of a member; then nothing is written.
    """
    with transaction.atomic():
        chat_user = rename(chat_user, fields)
        if status == ChatUser.Status.BANNED:
            return ban(chat_user)
        if status == ChatUser.Status.REMOVED:
            lifts = chat_user.status == ChatUser.Status.BANNED
            return lift_ban(chat_user) if lifts else remove(chat_user)
    return chat_user


def rename(chat_user: ChatUser, fields: dict[str, Any]) -> ChatUser:
    """Update the given names."""
    with transaction.atomic():
        events.lock_chat(chat_user.chat_id)
        chat_user.refresh_from_db()
        changed = [name for name, value in fields.items() if getattr(chat_user, name) != value]
        if changed:
            for name in changed:
                setattr(chat_user, name, fields[name])
            chat_user.save(update_fields=changed)
            events.append_for_chat_user(chat_user, EventType.USER_UPDATED)
    return chat_user


def leave(chat_user: ChatUser) -> ChatUser:
    """Leave the chat. The history stays, the tokens end at once. Idempotent."""
    return end_participation(chat_user, ChatUser.Status.LEFT, EventType.USER_LEFT)


def remove(chat_user: ChatUser) -> ChatUser:
    """Remove a chat user, who may rejoin with the password and a code."""
    return end_participation(chat_user, ChatUser.Status.REMOVED, EventType.USER_REMOVED)


def ban(chat_user: ChatUser) -> ChatUser:
    """Ban a guest or a former agent.

    Raises ApiError 422 for an agent who is a member; members can only be removed.
    """
    if chat_user.role == ChatUser.Role.AGENT and not is_former_agent(chat_user):
        raise ApiError(ErrorCode.VALIDATION_FAILED, "Agents can't be banned.", "status")
    return end_participation(chat_user, ChatUser.Status.BANNED, EventType.USER_REMOVED)


def lift_ban(chat_user: ChatUser) -> ChatUser:
    """Let a banned guest rejoin with the password and a code."""
    with transaction.atomic():
        events.lock_chat(chat_user.chat_id)
        chat_user.refresh_from_db()
        if chat_user.status == ChatUser.Status.BANNED:
            chat_user.status = ChatUser.Status.REMOVED
            chat_user.save(update_fields=["status"])
            events.append_for_chat_user(chat_user, EventType.USER_UPDATED)
    return chat_user


def end_participation(chat_user: ChatUser, status: ChatUser.Status, event: EventType) -> ChatUser:
    present = {ChatUser.Status.ACTIVE, ChatUser.Status.INVITED}
    with transaction.atomic():
        events.lock_chat(chat_user.chat_id)
        chat_user.refresh_from_db()
        bans = status == ChatUser.Status.BANNED != chat_user.status
        if chat_user.status in present or bans:
            chat_user.status, chat_user.left_at = status, timezone.now()
            chat_user.save(update_fields=["status", "left_at"])
            tokens.revoke_all(chat_user)
            events.append_for_chat_user(chat_user, event)
    return chat_user


def remove_ended_agents() -> int:
    """Remove the agents whose membership has ended or whose account is inactive.

    Their tokens have ended already. Returns the number of removed agents.
    """
    ended = ChatUser.objects.filter(
        Q(membership=None) | Q(membership__ended_at__isnull=False) | Q(user__is_active=False),
        role=ChatUser.Role.AGENT,
        status=ChatUser.Status.ACTIVE,
        chat__deleted_at=None,
        chat__company__deleted_at=None,
    )
    count = 0
    for chat_user in ended.iterator(chunk_size=500):
        remove(chat_user)
        count += 1
    return count


def record_last_seen(chat_user_ids: Collection[int], at: datetime) -> None:
    """Record when chat users were last connected."""
    if chat_user_ids:
        ChatUser.objects.filter(pk__in=chat_user_ids).update(last_seen_at=at)


def publish_presence(company_id: int, chat_id: int, users: list[dict[str, Any]]) -> None:
    """Publish which chat users have come online or gone offline."""
    hints.publish_ephemeral(company_id, chat_id, "presence", {"users": users})
