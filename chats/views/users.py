"""Who takes part in a chat, how they come in, and the token they get."""

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import account
from chatapi.idempotency import once
from chatapi.ids import parse_id
from chatapi.limits import Charge, limiter
from chatapi.pagination import PageQuery, created
from chatapi.views import READ, WRITE, ApiViewSet, Policy
from chats import access, docs, representations
from chats.actions import chats as chat_actions
from chats.actions import codes, users
from chats.models import ChatUser
from chats.permissions import InChat, ItselfOrMember, MayJoin
from chats.serializers import (
    ChatUserEdit,
    ChatUserSerializer,
    CurrentChatUserSerializer,
    GetTokenInput,
    InviteInput,
    JoinInput,
    StartChatInput,
)
from chats.views.base import CHAT_USER_TOKEN, EITHER, JOIN, ChatView, code_try
from companies.access import public_company


@docs.current_chat_user
class CurrentChatUserViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy(CHAT_USER_TOKEN, (IsAuthenticated,), (READ,))}

    def retrieve(self, request: Request) -> Response:
        assert isinstance(request.user, ChatUser)
        return Response(CurrentChatUserSerializer(request.user).data)


def show_joined(joined: users.Joined) -> dict[str, Any]:
    shown = dict(ChatUserSerializer(joined.chat_user).data)
    shown["code_mailed"] = joined.code_mailed
    if joined.token is not None:
        shown["token"] = joined.token
    return shown


@docs.chat_users
class ChatUserViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (InChat,), (READ,)),
        "create": Policy(EITHER, (MayJoin,), (WRITE, JOIN), anonymous=True),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "update": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "partial_update": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "destroy": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "get_token": Policy((), (AllowAny,), (WRITE, code_try), anonymous=True),
    }

    def list(self, request: Request, chat_pk: str) -> Response:
        query = self.query(PageQuery)
        rows = created(access.chat_users(self.caller.chat_id), query)
        return self.page(rows, query, self.show_users)

    def create(self, request: Request, chat_pk: str) -> Response:
        if request.auth is None:
            return self.join(chat_pk)
        fields = self.body(InviteInput)
        if "email" in fields:
            self.charge(*mail_charges(self.caller.chat_id, fields["email"]))
        return once(request, lambda: self.bring_in(fields))

    def join(self, chat_pk: str) -> Response:
        """A guest: the password is asked before anything of the chat is told."""
        fields = self.body(JoinInput)
        guess = Charge("PASSWORD", str(parse_id(chat_pk) or chat_pk))
        self.charge(guess)
        chat = access.by_password(chat_pk, fields.pop("password"))
        limiter().give_back(guess)  # only wrong ones count

        def make() -> Response:
            if users.needs_code(chat, fields["email"]):
                self.charge(*mail_charges(chat.pk, fields["email"]))
            joined = users.join(chat, **fields)
            return Response(show_joined(joined), 201 if joined.created else 202)

        return once(self.request, make)

    def bring_in(self, fields: dict[str, Any]) -> Response:
        """A member: joins as agent, or invites by mail."""
        if "email" in fields:
            joined = users.invite(self.caller.chat_id, **fields)
        else:
            joined = users.join_as_agent(self.caller.chat_id, account(self.request))
            return Response(show_joined(joined), 201)
        return Response(show_joined(joined), 201 if joined.created else 202)

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        return Response(self.show_user(access.chat_user(self.caller.chat_id, pk)))

    def update(self, request: Request, chat_pk: str, pk: str) -> Response:
        fields = self.body(ChatUserEdit)
        status = fields.pop("status", None)
        chat_user = users.rename(access.chat_user(self.caller.chat_id, pk), fields)
        if status is not None and self.caller.is_member:
            change = users.ban if status == ChatUser.Status.BANNED else users.lift_ban
            chat_user = change(chat_user)
        return Response(self.show_user(chat_user))

    def partial_update(self, request: Request, chat_pk: str, pk: str) -> Response:
        return self.update(request, chat_pk, pk)

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        chat_user = access.chat_user(self.caller.chat_id, pk)
        itself = self.caller.chat_user is not None or chat_user.user_id == getattr(
            request.user, "pk", 0
        )
        end = users.leave if itself else users.remove
        return Response(self.show_user(end(chat_user)))

    @action(detail=False, methods=["post"], url_path="get-token")
    def get_token(self, request: Request, chat_pk: str) -> Response:
        fields = self.body(GetTokenInput)
        token, plain, chat_user = codes.exchange(
            parse_id(chat_pk), fields["email"], fields["auth_code"]
        )
        # Whoever reads the address's mail may have the next code at once.
        limiter().give_back(mail_charges(chat_user.chat_id, chat_user.email)[1])
        return Response(
            {
                "token": plain,
                "expires_at": token.expires_at,
                "chat_user": ChatUserSerializer(chat_user).data,
            }
        )


def mail_charges(chat_id: int, email: str) -> tuple[Charge, Charge]:
    """What a mail to an address costs in a chat: of its hour, and of its minute."""
    return Charge("CODE_MAIL", f"{chat_id} {email}"), Charge(
        "CODE_MAIL_PAUSE", f"{chat_id} {email}"
    )


@docs.start_chat
class StartChatViewSet(ApiViewSet):
    """A visitor presses the button of a company."""

    policies: ClassVar = {
        "create": Policy(EITHER, (AllowAny,), (WRITE, JOIN), anonymous=True),
    }

    def create(self, request: Request, company_pk: str) -> Response:
        fields = self.body(StartChatInput)
        company = public_company(company_pk)

        def make() -> Response:
            if company.verify_first_join:
                self.charge(Charge("CODE_MAIL", f"company {company.pk} {fields['email']}"))
            chat, joined = chat_actions.start(company, **fields)
            answer = {
                "chat": representations.chat(chat),
                "chat_user": ChatUserSerializer(joined.chat_user).data,
                "url": chat_actions.join_url(chat, chat_actions.password_of(chat)),
                "code_mailed": joined.code_mailed,
            }
            if joined.token is not None:
                answer["token"] = joined.token
            return Response(answer, 201)

        return once(request, make)
