"""The routes that are compared, where the service has them."""

from django.urls import path

from bench.plain.views import MessageViewSet

messages = MessageViewSet.as_view({"get": "list", "post": "create"})
urlpatterns = [path("api/chats/<int:chat_pk>/messages", messages)]
