"""A guest starts a chat with a company."""

from typing import ClassVar

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.language import callers_language
from chatapi.api.policies import WRITE, Policy, Replay
from chatapi.api.views import ApiViewSet
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge
from chats import representations
from chats.actions import chats as chat_actions
from chats.schema import start_chat as schema
from chats.serializers.chat_users import ChatUserSerializer
from chats.serializers.start_chat import StartChatInput
from chats.views.base import EITHER
from chats.views.chat_users import may_mail_for_strangers, render_token
from companies.access.companies import get_public_company


@schema.start_chat
class StartChatViewSet(ApiViewSet):
    """A visitor presses the button of a company."""

    policies: ClassVar = {
        "create": Policy(EITHER, (AllowAny,), (WRITE,), anonymous=True, replay=Replay.TO_CALLER),
    }

    def create(self, request: Request, company_pk: str) -> Response:
        fields = self.body(StartChatInput)
        company = get_public_company(company_pk)
        network, email = network_address(request), fields["email"]
        self.charge(Charge("JOIN", f"company {company.pk} {network}"))
        # Each call creates another chat, so this limits the mails of one network to an address.
        self.charge(
            Charge("CODE_MAIL", f"visitor {network} {email}"),
            Charge("MAIL_NETWORK", network),
            shown=False,
        )
        may_mail = may_mail_for_strangers(email)
        with callers_language(request):
            chat, joined = chat_actions.start(company, network=network, may_mail=may_mail, **fields)
        password = chat_actions.password_of(chat)
        answer = {
            "chat": representations.chat(chat),
            "chat_user": ChatUserSerializer(joined.chat_user).data,
            "password": password,
            "url": chat_actions.join_url(chat, password),
        }
        return Response(answer | render_token(joined), 201)
