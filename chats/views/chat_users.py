"""Chat users: how they join, are invited and edited, and the token they get."""

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import account
from accounts.models import ApiToken
from chatapi.api.ids import parse_id
from chatapi.api.language import callers_language
from chatapi.api.pagination import PageQuery, by_creation, created
from chatapi.api.policies import READ, WRITE, Policy, Replay
from chatapi.api.views import ApiViewSet
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, limiter
from chats.access import chat_users as access
from chats.access import chats as chat_access
from chats.actions import auth_codes, chat_users
from chats.models import ChatUser
from chats.permissions import InChat, MayJoin, SelfOrMember
from chats.schema import chat_users as schema
from chats.serializers.chat_users import (
    ChatUserEdit,
    ChatUserSerializer,
    CurrentChatUserSerializer,
    InviteInput,
    JoinInput,
)
from chats.serializers.tokens import GetTokenInput
from chats.views.base import CHAT_USER_TOKEN, EITHER, ChatView, limit_joins
from companies.limits import invitation_charges


@schema.current_chat_user
class CurrentChatUserViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy(CHAT_USER_TOKEN, (IsAuthenticated,), (READ,))}

    def retrieve(self, request: Request) -> Response:
        assert isinstance(request.user, ChatUser)
        return Response(CurrentChatUserSerializer(request.user).data)


def join_response(joined: chat_users.JoinResult) -> Response:
    """201 with a new chat user; 202 for a known address, without any details of it."""
    if joined.created:
        return Response(render_joined(joined), 201)
    accepted = {
        "chat_id": joined.chat_user.chat_id,
        "email": joined.chat_user.email,
        "code_mailed": joined.code_mailed,
    }
    if joined.attempt_key is not None:
        accepted["attempt_key"] = joined.attempt_key
    return Response(accepted, 202)


def render_joined(joined: chat_users.JoinResult) -> dict[str, Any]:
    fields = dict(ChatUserSerializer(joined.chat_user).data)
    return fields | render_token(joined)


def render_token(joined: chat_users.JoinResult) -> dict[str, Any]:
    """The token that was issued, or the attempt key of the code that was mailed."""
    fields: dict[str, Any] = {"code_mailed": joined.code_mailed}
    if joined.attempt_key is not None:
        fields["attempt_key"] = joined.attempt_key
    if joined.token is not None:
        fields |= {"token": joined.token, "expires_at": joined.expires_at}
    return fields


@schema.chat_users
class ChatUserViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (InChat,), (READ,)),
        # An agent's token belongs to the token that requested it, so only that one may replay it.
        "create": Policy(
            EITHER,
            (MayJoin,),
            (WRITE, limit_joins),
            anonymous=True,
            replay=Replay.TO_TOKEN,
        ),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "update": Policy(EITHER, (SelfOrMember,), (WRITE,)),
        "partial_update": Policy(EITHER, (SelfOrMember,), (WRITE,)),
        "destroy": Policy(EITHER, (SelfOrMember,), (WRITE,)),
        "get_token": Policy((), (AllowAny,), (WRITE,), anonymous=True),
    }

    def list(self, request: Request, chat_pk: str) -> Response:
        query = self.query(PageQuery)
        chat_id = self.caller.chat_id
        rows = created(access.chat_users(chat_id), query)
        ordering = access.ordering(chat_id)
        return self.page(rows, query, self.render_users, ordering, expensive=by_creation(query))

    def create(self, request: Request, chat_pk: str) -> Response:
        if request.auth is None:
            return self.join(chat_pk)
        return self.join_or_invite(self.body(InviteInput))

    def join(self, chat_pk: str) -> Response:
        """Join as a guest. Without the password, nothing about the chat is revealed."""
        fields = self.body(JoinInput)
        network = network_address(self.request)
        guess = Charge("PASSWORD", network)
        self.charge(guess)
        chat = chat_access.get_by_password(chat_pk, fields.pop("password"))
        limiter().give_back(guess)  # only wrong guesses count
        email, may_mail = fields["email"], True
        trust = chat_users.trust_of(chat, email)
        if trust is not None:
            key = f"{chat.pk} {email}"
            self.charge(
                Charge("CODE_MAIL", key),
                Charge("CODE_MAIL_PAUSE", key),
                Charge("MAIL_NETWORK", network),
                shown=False,
            )
        if trust is chat_users.Trust.STRANGER:
            may_mail = may_mail_for_strangers(email)
        with callers_language(self.request):
            return join_response(
                chat_users.join_as_guest(chat, network=network, may_mail=may_mail, **fields)
            )

    def join_or_invite(self, fields: dict[str, Any]) -> Response:
        """A member joins as agent, or invites someone by mail."""
        if "email" in fields:
            self.charge(
                # Counted separately from codes: the invited person will request a code next.
                Charge("CODE_MAIL", f"invitation {self.caller.chat_id} {fields['email']}"),
                *invitation_charges(
                    account(self.request), chat_access.get_company(self.caller.chat_id)
                ),
                shown=False,
            )
            with callers_language(self.request):
                return join_response(chat_users.invite(self.caller.chat_id, **fields))
        assert isinstance(self.request.auth, ApiToken)
        joined = chat_users.join_as_agent(
            self.caller.chat_id, account(self.request), origin=self.request.auth
        )
        return Response(render_joined(joined), 201)

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        return Response(self.render_user(access.get_chat_user(self.caller.chat_id, pk)))

    def update(self, request: Request, chat_pk: str, pk: str) -> Response:
        fields = self.body(ChatUserEdit)
        status = fields.pop("status", None)
        if not self.caller.is_member:
            status = None  # read-only for guests
        chat_user = access.get_chat_user(self.caller.chat_id, pk)
        return Response(self.render_user(chat_users.update(chat_user, fields, status)))

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        chat_user = access.get_chat_user(self.caller.chat_id, pk)
        # A guest can only address themself; a member may be the agent of the URL.
        is_self = not self.caller.is_member or chat_user.user_id == request.user.pk
        end = chat_users.leave if is_self else chat_users.remove
        return Response(self.render_user(end(chat_user)))

    def limit_code_tries(self, guesser: str) -> None:
        self.charge(Charge("CODE_TRY", f"{self.kwargs['chat_pk']} {guesser}"))

    @action(detail=False, methods=["post"], url_path="get-token")
    def get_token(self, request: Request, chat_pk: str) -> Response:
        fields = self.body(GetTokenInput)
        chat_id, network = parse_id(chat_pk), network_address(request)
        key_of = auth_codes.read_attempt_key(chat_id, fields.get("attempt_key", ""))
        guesser = network if key_of is None else f"key {key_of}"
        self.limit_code_tries(guesser)
        token, plain, chat_user = auth_codes.exchange(
            chat_id, fields["email"], fields["auth_code"], network=network, key_of=key_of
        )
        # Whoever can read the mail of the address may request the next code at once.
        limiter().give_back(Charge("CODE_MAIL_PAUSE", f"{chat_user.chat_id} {chat_user.email}"))
        return Response(
            {
                "token": plain,
                "expires_at": token.expires_at,
                "chat_user": ChatUserSerializer(chat_user).data,
            }
        )


def may_mail_for_strangers(email: str) -> bool:
    """Return whether strangers may have another code mailed to an address.

    They share a limit. When it is used up, the answer stays the same: a refusal would let strangers
    lock out the owner of the address, and would reveal that others have used it.
    """
    return limiter().take([Charge("MAIL", f"visitor {email}")]).allowed
