"""The two kinds of token on the routes of chats. One query also reads what the route needs."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.authentication import ApiTokenAuthentication, bearer
from accounts.models import ApiToken
from chatapi.api import tokens
from chatapi.api.ids import parse_id
from chats.access.grants import CHAT_USER_TOKEN, MEMBER_TOKEN
from chats.actions.tokens import record_use
from chats.models import ChatUser, ChatUserToken


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
