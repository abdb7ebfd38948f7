"""The messages of a chat as a ModelViewSet."""

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.pagination import PageNumberPagination
from rest_framework.serializers import BaseSerializer, ModelSerializer
from rest_framework.viewsets import ModelViewSet

from chats.models import Chat, ChatUser, Event, EventType, Message


class Pages(PageNumberPagination):
    """DRF's pages, which count all rows."""

    page_size = 15
    page_size_query_param = "per_page"
    max_page_size = 249


class AuthorSerializer(ModelSerializer[ChatUser]):
    class Meta:
        model = ChatUser
        fields = ("id", "first_name", "last_name", "role")


class MessageSerializer(ModelSerializer[Message]):
    author = AuthorSerializer(read_only=True)

    class Meta:
        model = Message
        fields = (
            "id", "chat_id", "seq", "text", "author", "assurance", "created_at", "edited_at",
            "deleted_at",
        )  # fmt: skip
        read_only_fields = tuple(name for name in fields if name != "text")


class MessageViewSet(ModelViewSet[Message]):
    serializer_class = MessageSerializer
    pagination_class = Pages

    def get_queryset(self) -> Any:
        rows = Message.objects.filter(chat=self.kwargs["chat_pk"])
        return rows.select_related("author").order_by("-seq")

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer[Message]) -> None:
        user = self.request.user
        assert isinstance(user, ChatUser)
        rows = Chat.objects.select_for_update()
        chat = get_object_or_404(rows, pk=user.chat_id, status=Chat.Status.OPEN, deleted_at=None)
        now = timezone.now()
        chat.last_seq = chat.last_message_seq = chat.last_seq + 1
        chat.save(update_fields=["last_seq", "last_message_seq"])
        message = serializer.save(
            chat=chat,
            seq=chat.last_seq,
            author=user,
            assurance=user.assurance,
            created_at=now,
        )
        Event.objects.create(
            company_id=chat.company_id,
            chat=chat,
            seq=chat.last_seq,
            type=EventType.MESSAGE_CREATED,
            created_at=now,
            message=message,
        )
        user.last_read_seq = chat.last_seq
        user.save(update_fields=["last_read_seq"])
