"""Shared by the views of chats: the caller, limits, and how chats and users are rendered."""

from functools import cached_property
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chatapi.api.views import ApiViewSet
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge
from chats.access import callers
from chats.access import messages as message_access
from chats.authentication import ChatUserTokenAuthentication, MemberAuthentication, chat_reference
from chats.models import Chat, ChatUser, ChatUserToken
from chats.serializers.chat_users import ChatUserSerializer
from chats.serializers.chats import ChatSerializer

EITHER = (MemberAuthentication, ChatUserTokenAuthentication)
API_TOKEN = (MemberAuthentication,)
CHAT_USER_TOKEN = (ChatUserTokenAuthentication,)


class ChatView(ApiViewSet):
    """Base of the views of one chat and its contents."""

    @cached_property
    def caller(self) -> callers.Caller:
        return callers.caller(self.request, chat_reference(self.kwargs) or "")

    def render_user(self, chat_user: ChatUser) -> dict[str, Any]:
        return dict(ChatUserSerializer(chat_user, context=self.viewer).data)

    def render_users(self, found: list[ChatUser]) -> list[Any]:
        return list(ChatUserSerializer(found, many=True, context=self.viewer).data)

    @property
    def viewer(self) -> dict[str, ChatUser | None]:
        return {"viewer": self.caller.chat_user}


def number_of(pk: str) -> int:
    """The id of a row in a URL. Raises ApiError 404 when it is none."""
    number = parse_id(pk)
    if number is None:
        raise not_found()
    return number


def render_chats(request: Request, found: list[Chat]) -> list[Any]:
    """Render chats with their newest messages, which take one query."""
    context = {
        "last_messages": message_access.last_messages(found),
        "for_member": not isinstance(request.auth, ChatUserToken),
    }
    return list(ChatSerializer(found, many=True, context=context).data)


def limit_joins(request: Request, view: ApiViewSet) -> Charge | None:
    if request.auth is not None:
        return None
    return Charge("JOIN", f"{view.kwargs['chat_pk']} {network_address(request)}")


def limit_uploads(request: Request, view: ApiViewSet) -> Charge | None:
    return upload_charge(request, 1)


def upload_charge(request: Request, files: int) -> Charge | None:
    """The charge for uploading this number of files, at most what the limit ever allows at once."""
    if isinstance(request.auth, ChatUserToken):
        calls = min(files, settings.LIMITS["UPLOAD"].burst)
        return Charge("UPLOAD", str(request.auth.chat_user_id), calls=calls)
    return None


def limit_sends(request: Request, view: ApiViewSet) -> Charge | None:
    if isinstance(request.auth, ChatUserToken):
        return Charge("SEND", str(request.auth.chat_user_id))
    return None
