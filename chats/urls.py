"""The routes of chats below /api. `public_paths` are also documented without /api."""

from django.urls import path
from rest_framework.routers import SimpleRouter
from rest_framework_nested.routers import NestedSimpleRouter

from chats.views.attachments import AttachmentViewSet, FileView
from chats.views.chat_users import ChatUserViewSet, CurrentChatUserViewSet
from chats.views.chats import ChatViewSet
from chats.views.events import EventViewSet
from chats.views.messages import MessageViewSet
from chats.views.notes import NoteViewSet
from chats.views.reactions import ReactionViewSet
from chats.views.search import SearchViewSet
from chats.views.start_chat import StartChatViewSet
from chats.views.statistics import StatisticsViewSet
from chats.views.transcripts import TranscriptKeysViewSet, TranscriptViewSet

router = SimpleRouter(trailing_slash=False)
router.register("chats", ChatViewSet, basename="chat")
in_chat = NestedSimpleRouter(router, "chats", lookup="chat", trailing_slash=False)
in_chat.register("messages", MessageViewSet, basename="message")
in_chat.register("notes", NoteViewSet, basename="note")
in_chat.register("users", ChatUserViewSet, basename="chat-user")

# Most requested routes first, because they are tried in this order.
urlpatterns = [
    *in_chat.urls,
    path(
        "chats/<str:chat_pk>/messages/<str:message_pk>/reactions/<str:emoji>",
        ReactionViewSet.as_view({"put": "update", "delete": "destroy"}),
        name="reaction",
    ),
    path(
        "chats/<str:chat_pk>/attachments",
        AttachmentViewSet.as_view({"post": "create"}),
        name="attachments",
    ),
    path(
        "chats/<str:chat_pk>/attachments/<str:pk>",
        AttachmentViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="attachment",
    ),
    path(
        "chats/<str:chat_pk>/transcript",
        TranscriptViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="transcript",
    ),
    path(
        "chat-user", CurrentChatUserViewSet.as_view({"get": "retrieve"}), name="current-chat-user"
    ),
    path(
        "companies/<str:company_pk>/start-chat",
        StartChatViewSet.as_view({"post": "create"}),
        name="start-chat",
    ),
    path(
        "companies/<str:company_pk>/statistics",
        StatisticsViewSet.as_view({"get": "retrieve"}),
        name="statistics",
    ),
    path("events", EventViewSet.as_view({"get": "list"}), name="events"),
    path("search", SearchViewSet.as_view({"get": "list"}), name="search"),
    path(
        "transcript-keys",
        TranscriptKeysViewSet.as_view({"get": "retrieve"}),
        name="transcript-keys",
    ),
    *router.urls,
]

public_paths = [
    path("files/<str:signed>/<str:name>", FileView.as_view(), name="file"),
    path(
        "chats/<str:chat_pk>/users/get-token",
        ChatUserViewSet.as_view({"post": "get_token"}, detail=False),
    ),
    path("chats/<str:pk>/share", ChatViewSet.as_view({"post": "share"}, detail=True)),
]
