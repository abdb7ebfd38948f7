"""The two kinds of token on the routes of chats. One query also reads what the route needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    BinaryField,
    DateTimeField,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.authentication import ApiTokenAuthentication, api_token, bearer
from accounts.models import ApiToken
from chatapi.api import tokens
from chatapi.api.ids import parse_id
from chatapi.db.compiled import Compiled, Parameter
from chats.access.chats import live_chats
from chats.actions.tokens import record_use
from chats.models import ChatUser, ChatUserToken
from companies.models import Company, Membership


def chat_reference(kwargs: Mapping[str, str]) -> str | None:
    """The raw chat id in the URL; None when the route has none."""
    return kwargs.get("chat_pk", kwargs.get("pk"))


class MemberAuthentication(ApiTokenAuthentication):
    """A personal access token. The same query reads its user's role in the chat of the route.

    `request.auth.chat_role` is None when the user may not see the chat, and
    `request.auth.chat_last_seq` is the newest seq.
    """

    def find(self, request: Request, digest: bytes, now: datetime) -> ApiToken | None:
        reference = chat_reference(request.parser_context["kwargs"])
        if reference is None:
            return super().find(request, digest, now)
        return MEMBER_TOKEN.first(now=now, digest=digest, chat_id=parse_id(reference) or 0)


def member_token() -> QuerySet[ApiToken]:
    chat = live_chats().filter(pk=Parameter("chat_id", BigIntegerField()))
    role = Membership.objects.live().filter(
        user=OuterRef("user"), company_id__in=chat.values("company_id")
    )
    return api_token().annotate(
        chat_role=Subquery(role.values("role")[:1]),
        chat_last_seq=Subquery(chat.values("last_seq")[:1]),
    )


MEMBER_TOKEN = Compiled(member_token)


class ChatUserTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cnc_…`. One query reads token, chat user, chat and company.

    The token is valid while its chat user is in the chat. An agent's token also needs an active
    account and the membership by which the agent joined.
    """

    def authenticate(self, request: Request) -> tuple[ChatUser, ChatUserToken] | None:
        plain = bearer(request, ChatUserToken.PREFIX)
        if plain is None:
            return None
        token = find(plain)
        if token is None:
            raise AuthenticationFailed
        return token.chat_user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def chat_user_token() -> QuerySet[ChatUserToken]:
    now: Any = Parameter("now", DateTimeField())
    found = ChatUserToken.objects.live(now).filter(
        chat_id=Parameter("chat_id", BigIntegerField()), digest=Parameter("digest", BinaryField())
    )
    unused = [f"chat__company__{name}" for name in Company.FOR_PAGES]
    return found.select_related("chat_user", "chat__company").defer(*unused).order_by()


CHAT_USER_TOKEN = Compiled(chat_user_token)


def find(plain: str) -> ChatUserToken | None:
    """The valid token, with chat user, chat and company. Records its use."""
    chat_id = parse_id(plain.removeprefix(ChatUserToken.PREFIX).partition("_")[0])
    if chat_id is None:
        return None
    now = timezone.now()
    token = CHAT_USER_TOKEN.first(now=now, chat_id=chat_id, digest=tokens.digest(plain))
    if token is not None:
        token.chat_user.chat = token.chat
        record_use(token, now)
    return token
