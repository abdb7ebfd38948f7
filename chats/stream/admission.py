"""Admission: who may open a stream, and renewal of that right; in batches."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.actions.tokens import USE_RECORDED_EVERY
from accounts.actions.tokens import record_uses as record_api_token_uses
from accounts.models import ApiToken
from chatapi.api import tokens
from chatapi.limits.limiter import Charge, Verdict, limiter
from chats.access.chats import live_chats
from chats.access.grants import Grant, TokenGrant, chats_by_id, token_grants
from chats.actions.tokens import record_uses as record_chat_user_token_uses
from chats.hints import LogPosition
from chats.models import Chat, ChatUser, ChatUserToken
from chats.stream.presence_registry import ConnectedUser


class AdmissionRequest(NamedTuple):
    """A request for the stream of one chat or, with `chat_id` None, of all visible chats.

    Number 0 is a long poll, which is not charged because the view has counted it.
    """

    token: str
    chat_id: int | None
    number: int  # distinguishes concurrent requests of one token


class Admission(NamedTuple):
    """A grant and the verdict of the rate limit."""

    grant: Grant
    head: int  # the number of the chat's newest event when access was checked
    verdict: Verdict
    use_unrecorded: bool  # whether the token's last use is due to be recorded


UNCHARGED = Verdict(allowed=True, limit=0, remaining=0, retry_after=0)


def admit(requests: list[AdmissionRequest]) -> dict[AdmissionRequest, Admission]:
    """Admit and charge each request. Refused ones are absent; the view renders their error."""
    now = timezone.now()
    requests_by_digest = defaultdict(list)
    for request in requests:
        requests_by_digest[tokens.digest(request.token)].append(request)
    chat_ids = {request.chat_id for request in requests if request.chat_id is not None}
    found_tokens = token_grants(
        ChatUserToken.objects.live(now).filter(chat_id__in=chat_ids, digest__in=requests_by_digest),
        ApiToken.objects.live(now).filter(digest__in=requests_by_digest),
    )
    # Read after the memberships, so that anything deleted before someone became a member has a
    # seq of at most `head`.
    of_members = any(each.grant.kind == "api" for each in found_tokens)
    chats = chats_by_id(chat_ids) if of_members else {}
    found: dict[AdmissionRequest, Admission] = {}
    for token in found_tokens:
        for request in requests_by_digest[token.digest]:
            grant = token.grant.within(request.chat_id, chats)
            if grant is not None:
                head = token.last_seq
                if head is None:
                    head = total_of(chats[request.chat_id]) if request.chat_id else 0
                found[request] = admission_for(request, grant, head, token, now)
    return found


def total_of(chat: Chat) -> int:
    """The number of entries in both logs of a chat."""
    return LogPosition(chat.last_seq, chat.last_member_seq).total


def admission_for(
    request: AdmissionRequest, grant: Grant, head: int, token: TokenGrant, now: datetime
) -> Admission:
    verdict = limiter().take([Charge("STREAM", grant.limit_key)]) if request.number else UNCHARGED
    used_at = token.last_used_at
    return Admission(grant, head, verdict, used_at is None or used_at < now - USE_RECORDED_EVERY)


def renew(grants: Iterable[Grant]) -> dict[Grant, Grant]:
    """The current grant of each of these. Grants that have ended are absent."""
    now = timezone.now()
    grants_by_key, ids = defaultdict(list), defaultdict(set)
    for grant in grants:
        grants_by_key[grant.limit_key].append(grant)
        ids[grant.kind].add(grant.token_id)
    chats = chats_by_id({g.chat_id for g in grants if g.kind == "api" and g.chat_id})
    found_tokens = token_grants(
        ChatUserToken.objects.live(now).filter(pk__in=ids["chat"]),
        ApiToken.objects.live(now).filter(pk__in=ids["api"]),
    )
    found: dict[Grant, Grant] = {}
    for token in found_tokens:
        for old in grants_by_key[token.grant.limit_key]:
            if (current := token.grant.within(old.chat_id, chats)) is not None:
                found[old] = current
    return found


def record_uses(limit_keys: list[str]) -> dict[str, None]:
    """Record that these tokens were used now."""
    now = timezone.now()
    ids = defaultdict(list)
    for key in limit_keys:
        kind, _, number = key.partition(":")
        ids[kind].append(int(number))
    record_chat_user_token_uses(ids["chat"], now)
    record_api_token_uses(ids["api"], now)
    return {}


def own_chat_users(
    grant: Grant, chat_ids: Iterable[int]
) -> tuple[list[ConnectedUser], tuple[int, ...]]:
    """The account's active chat users in those of these chats it may read, and those chats."""
    readable = live_chats().filter(pk__in=chat_ids, company_id__in=grant.company_ids)
    company_of = dict(readable.values_list("pk", "company_id"))
    own = ChatUser.objects.filter(
        chat__in=company_of, user=grant.user_id, status=ChatUser.Status.ACTIVE
    )
    rows = own.values_list("chat_id", "pk")
    found = [ConnectedUser(company_of[chat_id], chat_id, pk) for chat_id, pk in rows]
    return found, tuple(company_of)
