"""Admission: who may open a stream, and renewal of that right; in batches."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.actions.tokens import USE_RECORDED_EVERY
from accounts.actions.tokens import record_uses as record_api_token_uses
from accounts.models import ApiToken
from accounts.models.tokens import ApiTokenQuerySet, missing_scope
from chatapi.api import tokens
from chatapi.limits.limiter import Charge, Verdict, limiter
from chats.access.chats import live_chats
from chats.actions.tokens import record_uses as record_chat_user_token_uses
from chats.models import Chat, ChatUser, ChatUserToken, ChatUserTokenQuerySet
from chats.stream.presence_registry import ConnectedUser
from companies.models import Membership


class AdmissionRequest(NamedTuple):
    """A request for the stream of one chat or, with `chat_id` None, of all visible chats.

    Number 0 is a long poll, which is not charged because the view has counted it.
    """

    token: str
    chat_id: int | None
    number: int  # distinguishes concurrent requests of one token


class Grant(NamedTuple):
    """What a token may read until `expires_at`, or until its access changes.

    `company_ids` are the companies whose chats it may read. With a `chat_id`, only that chat, and
    `company_ids` holds its company.
    """

    kind: str
    token_id: int
    user_id: int | None
    chat_user_id: int | None
    chat_id: int | None
    company_ids: tuple[int, ...]
    expires_at: float  # seconds since 1970

    @property
    def limit_key(self) -> str:
        return f"{self.kind}:{self.token_id}"

    def concerns(self, subject: str) -> bool:
        """Return whether a change of `user:1`, `chat:42` or `company:3` may affect this grant."""
        kind, _, number = subject.partition(":")
        match kind:
            case "user":
                return self.user_id == int(number)
            case "chat":
                return self.chat_id == int(number)
            case _:
                return int(number) in self.company_ids


class Admission(NamedTuple):
    """A grant and the verdict of the rate limit."""

    grant: Grant
    head: int  # the newest seq of the chat when access was checked
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
    found: dict[AdmissionRequest, Admission] = {}

    rows = ChatUserToken.objects.live(now).filter(
        chat_id__in=chat_ids, digest__in=requests_by_digest
    )
    for digest, grant, used_at, head in chat_user_grants(rows):
        for request in requests_by_digest[digest]:
            if request.chat_id == grant.chat_id:
                found[request] = admission_for(request, grant, head, used_at, now)

    member_grants = api_grants(ApiToken.objects.live(now).filter(digest__in=requests_by_digest))
    # Read after the memberships, so that anything deleted before someone became a member has a
    # seq of at most `head`.
    chats = chats_by_id(chat_ids) if member_grants else {}
    for digest, grant, used_at in member_grants:
        for request in requests_by_digest[digest]:
            if request.chat_id is None:
                found[request] = admission_for(request, grant, 0, used_at, now)
            elif (chat := chats.get(request.chat_id)) and chat.company_id in grant.company_ids:
                in_chat = grant._replace(chat_id=request.chat_id, company_ids=(chat.company_id,))
                found[request] = admission_for(request, in_chat, chat.last_seq, used_at, now)
    return found


def admission_for(
    request: AdmissionRequest, grant: Grant, head: int, used_at: datetime | None, now: datetime
) -> Admission:
    verdict = limiter().take([Charge("STREAM", grant.limit_key)]) if request.number else UNCHARGED
    return Admission(grant, head, verdict, used_at is None or used_at < now - USE_RECORDED_EVERY)


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


def renew(grants: Iterable[Grant]) -> dict[Grant, Grant]:
    """The current grant of each of these. Grants that have ended are absent."""
    now = timezone.now()
    grants_by_key = defaultdict(list)
    for grant in grants:
        grants_by_key[grant.limit_key].append(grant)
    ids = defaultdict(set)
    for grant in grants:
        ids[grant.kind].add(grant.token_id)
    chats = chats_by_id({g.chat_id for g in grants if g.kind == "api" and g.chat_id})
    found: dict[Grant, Grant] = {}

    rows = ChatUserToken.objects.live(now).filter(pk__in=ids["chat"])
    for _, grant, _, _ in chat_user_grants(rows):
        found |= dict.fromkeys(grants_by_key[grant.limit_key], grant)

    api_tokens = ApiToken.objects.live(now).filter(pk__in=ids["api"])
    for _, grant, _ in api_grants(api_tokens):
        for old in grants_by_key[grant.limit_key]:
            if old.chat_id is None:
                found[old] = grant
            elif (chat := chats.get(old.chat_id)) and chat.company_id in grant.company_ids:
                found[old] = old._replace(expires_at=grant.expires_at)
    return found


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


def chats_by_id(chat_ids: Iterable[int]) -> dict[int, Chat]:
    """Those of these chats that exist, with company and newest seq."""
    return live_chats().only("company_id", "last_seq").in_bulk(list(chat_ids))


def chat_user_grants(
    rows: ChatUserTokenQuerySet,
) -> list[tuple[bytes, Grant, datetime | None, int]]:
    """The digest, grant, last use and newest seq of the chat of each token."""
    columns = rows.order_by().values_list(
        "pk",
        "digest",
        "chat_id",
        "chat__company_id",
        "chat_user_id",
        "chat_user__user_id",
        "expires_at",
        "last_used_at",
        "chat__last_seq",
        "scopes",
        named=True,
    )
    found: list[tuple[bytes, Grant, datetime | None, int]] = []
    for row in columns:
        if missing_scope(row.scopes, "GET"):
            continue
        grant = Grant(
            "chat",
            row.pk,
            row.chat_user__user_id,
            row.chat_user_id,
            row.chat_id,
            (row.chat__company_id,),
            row.expires_at.timestamp(),
        )
        found.append((bytes(row.digest), grant, row.last_used_at, row.chat__last_seq))
    return found


def api_grants(rows: ApiTokenQuerySet) -> list[tuple[bytes, Grant, datetime | None]]:
    """The digest, grant and last use of each token."""
    tokens_found = [token for token in rows.order_by() if not token.missing_scope("GET")]
    companies = defaultdict(list)
    memberships = Membership.objects.live().filter(
        user__in={token.user_id for token in tokens_found}, company__deleted_at=None
    )
    for user_id, company_id in memberships.values_list("user_id", "company_id"):
        companies[user_id].append(company_id)
    found = []
    for token in tokens_found:
        of_user, expires = tuple(sorted(companies[token.user_id])), token.expires_at.timestamp()
        grant = Grant("api", token.pk, token.user_id, None, None, of_user, expires)
        found.append((bytes(token.digest), grant, token.last_used_at))
    return found
