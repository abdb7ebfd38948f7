"""The reactions to a message, each named by its emoji."""

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.policies import WRITE, Policy
from chats.actions import reactions as actions
from chats.models import ChatUser
from chats.permissions import Participant
from chats.schema import reactions as schema
from chats.views.base import EITHER, ChatView, limit_sends, number_of


@schema.reactions
class ReactionViewSet(ChatView):
    policies: ClassVar = {
        "update": Policy(EITHER, (Participant,), (WRITE, limit_sends)),
        "destroy": Policy(EITHER, (Participant,), (WRITE, limit_sends)),
    }

    def update(self, request: Request, **names: str) -> Response:
        return self.act(actions.add, **names)

    def destroy(self, request: Request, **names: str) -> Response:
        return self.act(actions.remove, **names)

    def act(
        self,
        action: Callable[[ChatUser, int, str], dict[str, Any]],
        chat_pk: str,
        message_pk: str,
        emoji: str,
    ) -> Response:
        chat_user = self.caller.chat_user
        assert chat_user is not None
        return Response(action(chat_user, number_of(message_pk), actions.parse_emoji(emoji)))
