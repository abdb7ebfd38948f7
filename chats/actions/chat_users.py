"""Who takes part in a chat: joining, inviting, leaving, removing, banning."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actions import hold_token
from accounts.models import ApiToken, User
from chatapi.api.errors import ErrorCode, forbidden, not_found, unprocessable
from chatapi.mail import outbox
from chats import hints
from chats.access import chat_users as access
from chats.actions import auth_codes, events, tokens
from chats.models import Chat, ChatUser, EventType
from companies.models import Membership


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of a join: `created` when the address was new, the token when one was given,
    `code_mailed` when a code is on its way, with the `attempt_key` of who asked for it."""

    chat_user: ChatUser
    created: bool
    token: str | None = None
    expires_at: datetime | None = None
    code_mailed: bool = False
    attempt_key: str | None = None


class Trust(Enum):
    """Why a code is mailed to an address that somebody typed in."""

    STRANGER = "stranger"  # for no reason but that
    GUEST = "guest"  # the company gave them the chat's password, or the address was proven before


def trust_of(chat: Chat, email: str) -> Trust | None:
    """How far a join by this address is trusted, after the password was right.

    None when it is not answered with a code. Whoever started a chat as a stranger knows its
    password, which then says nothing about them.
    """
    known = ChatUser.objects.filter(chat=chat, email=email).first()
    if known is None and not chat.company.verify_first_join:
        return None
    proven = known is not None and known.assurance != ChatUser.Assurance.CLAIMED
    return Trust.GUEST if proven or not chat.started_by_guest else Trust.STRANGER


def join(
    chat: Chat,
    *,
    email: str,
    first_name: str,
    last_name: str,
    network: str = "",
    mails: bool = True,
) -> Joined:
    """A guest who knows the password comes in, or comes back.

    An address that is new to the chat joins it; unless the company wants first joins verified, it
    gets its token at once. One that is there already, or was, gets a code. ApiError 403 `banned`,
    for a former member of the company too.

    `network` is where the guest joins from. Without `mails`, a code that is due is not made, and
    the answer is the same: strangers have had too many mailed to this address.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat.pk)
        known = ChatUser.objects.filter(chat=chat, email=email).first()
        if access.is_barred(chat, email, known):
            raise forbidden(ErrorCode.BANNED)
        if known is not None:
            if known.status == ChatUser.Status.INVITED and not known.first_name:
                # Somebody else invited them, by the address alone.
                known.first_name, known.last_name = first_name, last_name
                known.save(update_fields=["first_name", "last_name"])
            return with_code(known, False, network, mails)
        chat_user = ChatUser.objects.create(
            chat=chat,
            email=email,
            first_name=first_name,
            last_name=last_name,
            joined_at=timezone.now(),
        )
        events.append_for_chat_user(chat_user, EventType.USER_JOINED)
        return admit(chat, chat_user, network, mails)


def with_code(chat_user: ChatUser, created: bool, network: str, mails: bool) -> Joined:
    code_id = auth_codes.mail_code(chat_user, network).pk if mails else 0
    key = auth_codes.attempt_key(chat_user.chat_id, code_id)
    return Joined(chat_user, created, code_mailed=True, attempt_key=key)


def admit(chat: Chat, chat_user: ChatUser, network: str, mails: bool) -> Joined:
    """What a guest who is new gets: a code, or a token where the company trusts a first join."""
    if chat.company.verify_first_join:
        return with_code(chat_user, True, network, mails)
    token, plain = tokens.issue(chat_user, chat.company.chat_user_token_days)
    return Joined(chat_user, created=True, token=plain, expires_at=token.expires_at)


def join_as_agent(chat_id: int, user: User, *, origin: ApiToken | None = None) -> Joined:
    """A member comes in as agent, with a new token each time, which ends with its `origin`.

    ApiError 401 when that has just ended.
    """
    with transaction.atomic():
        if origin is not None:
            origin = hold_token(origin)
        chat = events.lock_chat(chat_id)
        live = Membership.objects.live().filter(company=chat.company_id, user=user)
        membership = live.filter(user__is_active=True).first()
        if membership is None:  # it ended while the request was on its way
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
                    "user", "membership", "first_name", "last_name", "role", "status",
                    "assurance", "joined_at", "left_at",
                ]
            )  # fmt: skip
            # Whoever only claimed this address before must not speak as the agent.
            tokens.revoke_all(chat_user)
            events.append_for_chat_user(
                chat_user, EventType.USER_UPDATED if was_in else EventType.USER_JOINED
            )
        days = chat.company.chat_user_token_days
        token, plain = tokens.issue(chat_user, days, origin=origin)
    return Joined(chat_user, created=created, token=plain, expires_at=token.expires_at)


def invite(chat_id: int, *, email: str, first_name: str = "", last_name: str = "") -> Joined:
    """Mail somebody the chat's link. They are `invited` until they come in by a code.

    A former member of the company comes as a guest. ApiError 403 `banned`, for somebody whose
    account is switched off too.
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
            raise forbidden(ErrorCode.BANNED)
        chat_user.save(update_fields=["status", "role", "user", "membership", "invited_at"])
        outbox.post("chat_invitation", chat_user.pk, email)
    return Joined(chat_user, created=created)


def is_former_agent(chat_user: ChatUser) -> bool:
    """Whether somebody was an agent here, and is no member any more or is switched off."""
    if chat_user.role != ChatUser.Role.AGENT:
        return False
    here = Membership.objects.live().filter(chat_users=chat_user, user__is_active=True)
    return not here.exists()


def change(chat_user: ChatUser, fields: dict[str, Any], status: str | None = None) -> ChatUser:
    """Write the names that are given; `banned` shuts a guest or a former agent out, `removed` takes
    somebody out or lifts the ban. ApiError 422 for a ban of a member; then nothing is written."""
    with transaction.atomic():
        chat_user = rename(chat_user, fields)
        if status == ChatUser.Status.BANNED:
            return ban(chat_user)
        if status == ChatUser.Status.REMOVED:
            lifts = chat_user.status == ChatUser.Status.BANNED
            return lift_ban(chat_user) if lifts else remove(chat_user)
    return chat_user


def rename(chat_user: ChatUser, fields: dict[str, Any]) -> ChatUser:
    """Write the names that are given."""
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
    """Go; the history stays, the tokens die at once. Again, nothing happens."""
    return end(chat_user, ChatUser.Status.LEFT, EventType.USER_LEFT)


def remove(chat_user: ChatUser) -> ChatUser:
    """Take somebody out of the chat, who may come back by the password and a code."""
    return end(chat_user, ChatUser.Status.REMOVED, EventType.USER_REMOVED)


def ban(chat_user: ChatUser) -> ChatUser:
    """Take a guest or a former agent out for good.

    ApiError 422 for an agent who is a member, who is removed instead.
    """
    if chat_user.role == ChatUser.Role.AGENT and not is_former_agent(chat_user):
        raise unprocessable(ErrorCode.VALIDATION_FAILED, "An agent can't be banned.", "status")
    return end(chat_user, ChatUser.Status.BANNED, EventType.USER_REMOVED)


def lift_ban(chat_user: ChatUser) -> ChatUser:
    """Let a banned guest come back by the password and a code."""
    with transaction.atomic():
        events.lock_chat(chat_user.chat_id)
        chat_user.refresh_from_db()
        if chat_user.status == ChatUser.Status.BANNED:
            chat_user.status = ChatUser.Status.REMOVED
            chat_user.save(update_fields=["status"])
            events.append_for_chat_user(chat_user, EventType.USER_UPDATED)
    return chat_user


def end(chat_user: ChatUser, status: ChatUser.Status, event: EventType) -> ChatUser:
    here = {ChatUser.Status.ACTIVE, ChatUser.Status.INVITED}
    with transaction.atomic():
        events.lock_chat(chat_user.chat_id)
        chat_user.refresh_from_db()
        bans = status == ChatUser.Status.BANNED != chat_user.status
        if chat_user.status in here or bans:
            chat_user.status, chat_user.left_at = status, timezone.now()
            chat_user.save(update_fields=["status", "left_at"])
            tokens.revoke_all(chat_user)
            events.append_for_chat_user(chat_user, event)
    return chat_user


def remove_ended_agents() -> int:
    """Take the agents out of their chats whose membership has ended or whose account was shut;
    their tokens died with it."""
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
    """Keep when chat users were connected last."""
    if chat_user_ids:
        ChatUser.objects.filter(pk__in=chat_user_ids).update(last_seen_at=at)


def publish_presence(company_id: int, chat_id: int, users: list[dict[str, Any]]) -> None:
    """Let the others know who came and who went."""
    hints.publish_ephemeral(company_id, chat_id, "presence", {"users": users})
