"""The URLs of the pages of chats."""

from django.urls import path

from chats.website import inbox, overview, visitor

urlpatterns = [
    path("chats/<int:chat_id>", visitor.chat, name="chat"),
    path("start/<str:company>", visitor.start, name="start"),
    path("embed.js", visitor.embed_script, name="embed-script"),
    path("embed/<str:company>", visitor.embed, name="embed"),
    path("companies/<str:slug>/overview", overview.overview, name="overview"),
    path("inbox", inbox.inbox, name="inbox"),
]
