"""Which chats a token may read: one rule for requests, long polls and streams.

A live chat-user token reads its own chat. A live personal access token reads the chats of the
companies that its user is a member of. What makes a token, a membership and a chat live is defined
by `ApiToken.objects.live`, `ChatUserToken.objects.live`, `Membership.objects.live` and
`live_chats`. A request finds its token with one compiled query; streams read many at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    BinaryField,
    DateTimeField,
    OuterRef,
    QuerySet,
    Subquery,
)

from accounts.authentication import api_token
from accounts.models import ApiToken
from accounts.models.tokens import ApiTokenQuerySet, missing_scope
from chatapi.db.compiled import Compiled, Parameter
from chats.access.chats import live_chats
from chats.models import Chat, ChatUserToken, ChatUserTokenQuerySet
from chats.models.events import Audience
from companies.models import Company, Membership

# --- The token of one request -------------------------------------------------------------------


def member_token() -> QuerySet[ApiToken]:
    """A personal access token, with its user's role in a chat.

    `chat_role` is None if the user may not see the chat; `chat_last_seq` is its newest seq.
    """
    chat = live_chats().filter(pk=Parameter("chat_id", BigIntegerField()))
    role = Membership.objects.live().filter(
        user=OuterRef("user"), company_id__in=chat.values("company_id")
    )
    return api_token().annotate(
        chat_role=Subquery(role.values("role")[:1]),
        chat_last_seq=Subquery(chat.values("last_seq")[:1]),
    )


def chat_user_token() -> QuerySet[ChatUserToken]:
    """A chat-user token, with chat user, chat and company."""
    now: Any = Parameter("now", DateTimeField())
    found = ChatUserToken.objects.live(now).filter(
        chat_id=Parameter("chat_id", BigIntegerField()), digest=Parameter("digest", BinaryField())
    )
    unused = [f"chat__company__{name}" for name in Company.FOR_PAGES]
    return found.select_related("chat_user", "chat__company").defer(*unused).order_by()


MEMBER_TOKEN = Compiled(member_token)
CHAT_USER_TOKEN = Compiled(chat_user_token)


# --- The tokens of many streams -----------------------------------------------------------------


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
        """That of the token."""
        return f"{self.kind}:{self.token_id}"

    @property
    def audience(self) -> Audience:
        """Personal access tokens are members'. A chat-user token reads what guests do."""
        return Audience.MEMBERS if self.kind == "api" else Audience.EVERYONE

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

    def within(self, chat_id: int | None, chats: Mapping[int, Chat]) -> "Grant | None":
        """The part of this grant of a token that is about one chat, or about all with None.

        None if there is no such part. `chats` must have the chat if it exists.
        """
        if self.chat_id is not None:
            return self if chat_id == self.chat_id else None
        if chat_id is None:
            return self
        chat = chats.get(chat_id)
        if chat is None or chat.company_id not in self.company_ids:
            return None
        return self._replace(chat_id=chat_id, company_ids=(chat.company_id,))


class TokenGrant(NamedTuple):
    """The whole grant of a token."""

    grant: Grant
    digest: bytes
    last_used_at: datetime | None
    last_seq: int | None  # the newest seq of a chat-user token's chat


def token_grants(
    chat_user_tokens: ChatUserTokenQuerySet, api_tokens: ApiTokenQuerySet
) -> list[TokenGrant]:
    """The grants of those of these live tokens that may read."""
    return [*chat_user_grants(chat_user_tokens), *api_grants(api_tokens)]


def chat_user_grants(rows: ChatUserTokenQuerySet) -> list[TokenGrant]:
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
    found = []
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
        digest = bytes(row.digest)
        found.append(TokenGrant(grant, digest, row.last_used_at, row.chat__last_seq))
    return found


def api_grants(rows: ApiTokenQuerySet) -> list[TokenGrant]:
    tokens = [token for token in rows.order_by() if not token.missing_scope("GET")]
    companies = defaultdict(list)
    memberships = Membership.objects.live().filter(
        user__in={token.user_id for token in tokens}, company__deleted_at=None
    )
    for user_id, company_id in memberships.values_list("user_id", "company_id"):
        companies[user_id].append(company_id)
    found = []
    for token in tokens:
        of_user, expires = tuple(sorted(companies[token.user_id])), token.expires_at.timestamp()
        grant = Grant("api", token.pk, token.user_id, None, None, of_user, expires)
        found.append(TokenGrant(grant, bytes(token.digest), token.last_used_at, None))
    return found


def chats_by_id(chat_ids: Iterable[int]) -> dict[int, Chat]:
    """Those of these chats that exist, with company and the ends of their logs."""
    rows = live_chats().only("company_id", "last_seq", "last_member_seq")
    return rows.in_bulk(list(chat_ids))
