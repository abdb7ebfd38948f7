"""The bodies of the route by which a guest starts a chat."""

from typing import Any

from rest_framework import serializers

from chats.serializers.chat_users import AttemptKey, ChatUserSerializer, PersonInput
from chats.serializers.chats import ChatBriefSerializer
from chats.serializers.messages import Text


class StartChatInput(PersonInput):
    message = Text(required=False, allow_blank=True)


class StartedSerializer(serializers.Serializer[Any]):
    chat = ChatBriefSerializer()
    chat_user = ChatUserSerializer()
    password = serializers.CharField(help_text="The chat's password.")
    url = serializers.CharField(help_text="The link to return to the chat, with its password.")
    token = serializers.CharField(required=False, help_text="Shown only once.")
    expires_at = serializers.DateTimeField(required=False, help_text="When the token expires.")
    code_mailed = serializers.BooleanField()
    attempt_key = AttemptKey(required=False)
