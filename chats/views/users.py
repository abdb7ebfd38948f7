"""Who takes part in a chat, how they come in, and the token they get."""

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import browser_token
from accounts.authentication import account
from chatapi.idempotency import once
from chatapi.ids import parse_id
from chatapi.language import callers_language
from chatapi.limits import Charge, limiter, network_address
from chatapi.pagination import PageQuery, by_creation, created
from chatapi.views import READ, WRITE, ApiViewSet, Policy
from chats import access, docs, representations
from chats.actions import chats as chat_actions
from chats.actions import codes, users
from chats.models import ChatUser
from chats.permissions import InChat, ItselfOrMember, MayJoin
from chats.serializers.shown import ChatUserSerializer, CurrentChatUserSerializer
from chats.serializers.taken import (
    ChatUserEdit,
    GetTokenInput,
    InviteInput,
    JoinInput,
    StartChatInput,
)
from chats.views.base import CHAT_USER_TOKEN, EITHER, ChatView, code_try, join
from companies.access import public_company


@docs.current_chat_user
class CurrentChatUserViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy(CHAT_USER_TOKEN, (IsAuthenticated,), (READ,))}

    def retrieve(self, request: Request) -> Response:
        assert isinstance(request.user, ChatUser)
        return Response(CurrentChatUserSerializer(request.user).data)


def answer_join(joined: users.Joined) -> Response:
    """201 with the new chat user; 202 for an address that is known, telling nothing about it."""
    if joined.created:
        return Response(show_joined(joined), 201)
    accepted = {
        "chat_id": joined.chat_user.chat_id,
        "email": joined.chat_user.email,
        "code_mailed": joined.code_mailed,
    }
    return Response(accepted, 202)


def show_joined(joined: users.Joined) -> dict[str, Any]:
    shown = dict(ChatUserSerializer(joined.chat_user).data)
    return shown | show_token(joined)


def show_token(joined: users.Joined) -> dict[str, Any]:
    """What a guest or an agent gets to go on with: a token, or a code on its way."""
    shown: dict[str, Any] = {"code_mailed": joined.code_mailed}
    if joined.token is not None:
        shown |= {"token": joined.token, "expires_at": joined.expires_at}
    return shown


@docs.chat_users
class ChatUserViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (InChat,), (READ,)),
        "create": Policy(EITHER, (MayJoin,), (WRITE, join), anonymous=True),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "update": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "partial_update": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "destroy": Policy(EITHER, (ItselfOrMember,), (WRITE,)),
        "get_token": Policy((), (AllowAny,), (WRITE, code_try), anonymous=True),
    }

    def list(self, request: Request, chat_pk: str) -> Response:
        query = self.query(PageQuery)
        chat_id = self.caller.chat_id
        rows = created(access.chat_users(chat_id), query)
        ordering = access.ordering_of_chat_users(chat_id)
        return self.page(rows, query, self.show_users, ordering, expensive=by_creation(query))

    def create(self, request: Request, chat_pk: str) -> Response:
        if request.auth is None:
            return self.join(chat_pk)
        fields = self.body(InviteInput)
        return once(request, lambda: self.bring_in(fields))

    def join(self, chat_pk: str) -> Response:
        """A guest: the password is asked before anything of the chat is told."""
        fields = self.body(JoinInput)
        guess = Charge("PASSWORD", chat_pk)
        self.charge(guess)
        chat = access.by_password(chat_pk, fields.pop("password"))
        limiter().give_back(guess)  # only wrong ones count

        def make() -> Response:
            if users.needs_code(chat, fields["email"]):
                self.charge(*mail_charges(chat.pk, fields["email"]))
            with callers_language(self.request):
                return answer_join(users.join(chat, **fields))

        return once(self.request, make)

    def bring_in(self, fields: dict[str, Any]) -> Response:
        """A member: joins as agent, or invites by mail."""
        if "email" in fields:
            self.charge(
                # Not of the code's hour: who is invited will ask for a code next.
                Charge("CODE_MAIL", f"invitation {self.caller.chat_id} {fields['email']}"),
                Charge("MAIL", fields["email"]),
            )
            with callers_language(self.request):
                return answer_join(users.invite(self.caller.chat_id, **fields))
        joined = users.join_as_agent(
            self.caller.chat_id,
            account(self.request),
            by_browser=browser_token.is_one(self.request.auth),
        )
        return Response(show_joined(joined), 201)

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        return Response(self.show_user(access.chat_user(self.caller.chat_id, pk)))

    def update(self, request: Request, chat_pk: str, pk: str) -> Response:
        fields = self.body(ChatUserEdit)
        status = fields.pop("status", None)
        if not self.caller.is_member:
            status = None  # to a guest it is read-only
        chat_user = access.chat_user(self.caller.chat_id, pk)
        return Response(self.show_user(users.change(chat_user, fields, status)))

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        chat_user = access.chat_user(self.caller.chat_id, pk)
        # A guest can name nobody else; a member may be the agent of the URL.
        itself = not self.caller.is_member or chat_user.user_id == request.user.pk
        end = users.leave if itself else users.remove
        return Response(self.show_user(end(chat_user)))

    @action(detail=False, methods=["post"], url_path="get-token")
    def get_token(self, request: Request, chat_pk: str) -> Response:
        fields = self.body(GetTokenInput)
        token, plain, chat_user = codes.exchange(
            parse_id(chat_pk), fields["email"], fields["auth_code"]
        )
        # Whoever reads the address's mail may have the next code at once.
        limiter().give_back(Charge("CODE_MAIL_PAUSE", f"{chat_user.chat_id} {chat_user.email}"))
        return Response(
            {
                "token": plain,
                "expires_at": token.expires_at,
                "chat_user": ChatUserSerializer(chat_user).data,
            }
        )


def mail_charges(chat_id: int, email: str) -> tuple[Charge, ...]:
    """What a code mail to an address costs: of its hour and its minute in the chat, and of what
    the address gets from the whole installation."""
    who = f"{chat_id} {email}"
    return Charge("CODE_MAIL", who), Charge("CODE_MAIL_PAUSE", who), Charge("MAIL", email)


@docs.start_chat
class StartChatViewSet(ApiViewSet):
    """A visitor presses the button of a company."""

    policies: ClassVar = {
        "create": Policy(EITHER, (AllowAny,), (WRITE,), anonymous=True),
    }

    def create(self, request: Request, company_pk: str) -> Response:
        fields = self.body(StartChatInput)
        company = public_company(company_pk)
        self.charge(Charge("JOIN", f"company {company.pk} {network_address(request)}"))

        def make() -> Response:
            # Each time another chat: the address is what must not be flooded.
            self.charge(
                Charge("CODE_MAIL", f"company {company.pk} {fields['email']}"),
                Charge("MAIL", fields["email"]),
            )
            with callers_language(request):
                chat, joined = chat_actions.start(company, **fields)
            password = chat_actions.password_of(chat)
            answer = {
                "chat": representations.chat(chat),
                "chat_user": ChatUserSerializer(joined.chat_user).data,
                "password": password,
                "url": chat_actions.join_url(chat, password),
            }
            return Response(answer | show_token(joined), 201)

        return once(request, make)
