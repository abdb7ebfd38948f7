"""Plain DRF: the messages of a chat as a ModelViewSet, on the service's models; an empty view."""

from typing import Any

from django.db import transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, ModelSerializer
from rest_framework.viewsets import ModelViewSet

from chatapi.api import tokens
from chats.models import Chat, ChatUser, ChatUserToken, Event, EventType, Message


class ChatTokenAuthentication(TokenAuthentication):
    """`Authorization: Bearer cnc_CHAT_…`, as the service has it. Its use is not recorded."""

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[ChatUser, ChatUserToken]:
        chat_id = key.removeprefix(ChatUserToken.PREFIX).partition("_")[0]
        rows = ChatUserToken.objects.live(timezone.now()).select_related("chat_user", "chat")
        token = rows.filter(chat_id=chat_id, digest=tokens.digest(key)).first()
        if token is None:
            raise AuthenticationFailed
        return token.chat_user, token


class InChat(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.auth and request.auth.chat_id == view.kwargs["chat_pk"])


class AuthorSerializer(ModelSerializer[ChatUser]):
    class Meta:
        model = ChatUser
        fields = ("id", "first_name", "last_name", "role")


class MessageSerializer(ModelSerializer[Message]):
    author = AuthorSerializer(read_only=True)

    class Meta:
        model = Message
        read_only_fields = ("id", "chat_id", "seq", "author", "assurance")
        read_only_fields += ("created_at", "edited_at", "deleted_at")
        fields = ("text", *read_only_fields)


class MessageViewSet(ModelViewSet[Message]):
    authentication_classes = (ChatTokenAuthentication,)
    permission_classes = (InChat,)
    serializer_class = MessageSerializer

    def get_queryset(self) -> Any:
        rows = Message.objects.filter(chat=self.kwargs["chat_pk"])
        return rows.select_related("author").order_by("-seq")

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer[Message]) -> None:
        user, now = self.request.user, timezone.now()
        assert isinstance(user, ChatUser)
        rows = Chat.objects.select_for_update()
        chat = get_object_or_404(rows, pk=user.chat_id, status=Chat.Status.OPEN, deleted_at=None)
        chat.last_seq = chat.last_message_seq = chat.last_seq + 1
        chat.save(update_fields=["last_seq", "last_message_seq"])
        place = {"chat": chat, "seq": chat.last_seq, "created_at": now}
        message = serializer.save(author=user, assurance=user.assurance, **place)
        event = {"type": EventType.MESSAGE_CREATED, "message": message}
        Event.objects.create(company_id=chat.company_id, **event, **place)
        user.last_read_seq = chat.last_seq
        user.save(update_fields=["last_read_seq"])


messages = MessageViewSet.as_view({"get": "list", "post": "create"})
urlpatterns = [
    path("api/chats/<int:chat_pk>/messages", messages),
    # The floor: what the server, the middleware and Django cost.
    path("api/empty", lambda request: JsonResponse({})),
]
