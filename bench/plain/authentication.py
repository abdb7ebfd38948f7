"""A token found by an ordinary look-up, and the chat it is good for."""

from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatapi.api import tokens
from chats.models import ChatUser, ChatUserToken


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cnc_CHAT_…`, as the service has it. Its use is not noted."""

    def authenticate(self, request: Request) -> tuple[ChatUser, ChatUserToken] | None:
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        chat_id = plain.removeprefix(ChatUserToken.PREFIX).partition("_")[0]
        if not chat_id.isdecimal():
            raise AuthenticationFailed
        rows = ChatUserToken.objects.live(timezone.now()).select_related("chat_user", "chat")
        try:
            token = rows.get(chat_id=int(chat_id), digest=tokens.digest(plain))
        except ChatUserToken.DoesNotExist:
            raise AuthenticationFailed from None
        return token.chat_user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class InChat(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.auth and request.auth.chat_id == view.kwargs["chat_pk"])
