"""The OpenAPI descriptions of chat users and their tokens."""
# drf-spectacular is typed in part only.
# mypy: disallow_untyped_calls=False

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import PolymorphicProxySerializer

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Operation, Resource, Response, describe, page
from chats.schema.examples.chat_users import AGENT, GUEST, INVITED, JOINED, TOKEN
from chats.schema.examples.chats import CHAT_BRIEF, COMPANY_BRIEF
from chats.serializers.chat_users import (
    AcceptedSerializer,
    ChatUserEdit,
    ChatUserSerializer,
    CurrentChatUserSerializer,
    InviteInput,
    JoinedSerializer,
    JoinInput,
)
from chats.serializers.tokens import GetTokenInput, TokenSerializer


class ChatUserTokenScheme(OpenApiAuthenticationExtension):
    target_class = "chats.authentication.ChatUserTokenAuthentication"
    name = "chatUserToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cnc_…",
            "description": "A chat user's token, valid for one chat. `get-token` issues it.",
        }


current_chat_user = describe(
    "current_chat_user",
    "Current user",
    retrieve=Operation(
        "Get the current chat user",
        {
            200: Response(
                CurrentChatUserSerializer,
                {"Gina": {**GUEST, "chat": CHAT_BRIEF, "company": COMPANY_BRIEF}},
                "The chat user, with its chat and company.",
            )
        },
        id="current_chat_user",
    ),
)
chat_users = describe(
    "chat_users",
    "Chat users",
    Resource("chat user", "chat users", ChatUserSerializer),
    list=Operation(
        shown={
            "For a member": page("/api/chats/42/users", GUEST, AGENT),
            "For the guest": page("/api/chats/42/users", GUEST, {**AGENT, "email": None}),
        },
        answer="Current and former participants of the chat.",
        query=PageQuery,
    ),
    create=Operation(
        "Join or invite",
        {
            201: Response(
                JoinedSerializer,
                {
                    "A guest": {**JOINED, "code_mailed": True},
                    "A guest who needs no code": {
                        **JOINED,
                        "token": TOKEN,
                        "expires_at": "2021-08-04T09:31:38.000000Z",
                        "code_mailed": False,
                    },
                    "An agent": {
                        **AGENT,
                        "token": TOKEN,
                        "expires_at": "2021-08-04T09:31:38.000000Z",
                        "code_mailed": False,
                    },
                    "An invited guest": {**INVITED, "code_mailed": False},
                },
                "The new chat user. An agent who joins also gets a token.",
            ),
            202: Response(
                AcceptedSerializer,
                {
                    "A returning guest": {
                        "chat_id": 7,
                        "email": GUEST["email"],
                        "code_mailed": True,
                    }
                },
                "This address is already in the chat; a code or an invitation is being mailed.",
            ),
        },
        "* A guest joins without a token, using the chat's password. An auth code is mailed; "
        "exchange it with `get-token`. If the company does not verify first joins, the response "
        "contains the token.\n"
        "* A member who sends no body joins as an agent. The chat-user token has the scopes of "
        "the personal access token in the request, expires no later and is revoked with it.\n"
        "* A member who sends an `email` invites that person by email.\n\n"
        "Former members of the company get `banned` until they rejoin the company or a member "
        "invites them.",
        request=PolymorphicProxySerializer("ChatUserInput", [JoinInput, InviteInput], None),
        examples={
            "A guest joins": {
                "first_name": "Gina",
                "last_name": "Green",
                "email": "gina@example.com",
                "password": "kT7mWq2ZrbXh4d",
            },
            "A member joins": {},
            "A member invites": {"email": "ida@example.com"},
        },
        errors=(ErrorCode.WRONG_PASSWORD, ErrorCode.BANNED),
    ),
    retrieve=Operation(shown={"Gina": GUEST}),
    update=Operation(
        shown={
            "Renamed": {**GUEST, "first_name": "Georgina"},
            "Banned": {
                **GUEST,
                "status": "banned",
                "left_at": "2021-07-05T10:00:00.000000Z",
            },
        },
        description="Only members can ban; guests and agents who "
        "are no longer members can be banned.",
        request=ChatUserEdit,
        examples={"Rename": {"first_name": "Georgina"}, "Ban": {"status": "banned"}},
    ),
    destroy=Operation(
        summary="Leave or remove a chat user",
        shown={"Left": {**GUEST, "status": "left", "left_at": "2021-07-05T10:00:00.000000Z"}},
        answer="The chat user, no longer in the chat.",
        description="Messages are kept; tokens are revoked immediately.",
    ),
    get_token=Operation(
        "Exchange an auth code for a chat-user token",
        {
            200: Response(
                TokenSerializer,
                {
                    "A token": {
                        "token": TOKEN,
                        "expires_at": "2021-08-04T09:31:10.000000Z",
                        "chat_user": GUEST,
                    }
                },
                "The token. It is shown only once.",
            )
        },
        "The token is required to send messages and can be kept in localStorage. `auth_code` is "
        "accepted as an alias of `auth-code`, and the route also works without `/api` in the "
        "path. A code works once, expires after ten minutes and allows five attempts. Errors do "
        "not reveal the cause: an unknown chat or address gets the same response as a wrong "
        "code.",
        request=GetTokenInput,
        examples={
            "A number": {"email": "gina@example.com", "auth-code": 493817},
            "A string": {"email": "gina@example.com", "auth-code": "493817"},
        },
        errors=(ErrorCode.INVALID_AUTH_CODE,),
    ),
)
