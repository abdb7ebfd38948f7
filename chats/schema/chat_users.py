"""The OpenAPI descriptions of chat users and their tokens."""
# drf-spectacular is typed in part only.
# mypy: disallow_untyped_calls=False

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import PolymorphicProxySerializer

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Operation, Response, describe, page, page_of
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
            "description": "The token of a chat user, good in one chat; `get-token` gives it.",
        }


current_chat_user = describe(
    "current_chat_user",
    "Current user",
    retrieve=Operation(
        "The chat user of the chat-user token",
        {
            200: Response(
                CurrentChatUserSerializer,
                {"Gina": {**GUEST, "chat": CHAT_BRIEF, "company": COMPANY_BRIEF}},
                "The chat user, with chat and company.",
            )
        },
        id="current_chat_user",
    ),
)
chat_users = describe(
    "chat_users",
    "Chat users",
    list=Operation(
        "Get all",
        {
            200: Response(
                page_of(ChatUserSerializer),
                {
                    "To a member": page("/api/chats/42/users", GUEST, AGENT),
                    "To the guest": page("/api/chats/42/users", GUEST, {**AGENT, "email": None}),
                },
                "Who takes part in the chat, and who did.",
            )
        },
        query=PageQuery,
    ),
    create=Operation(
        "Join, or invite",
        {
            201: Response(
                JoinedSerializer,
                {
                    "A guest": {**JOINED, "code_mailed": True},
                    "A guest, trusted at once": {
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
                    "Invited": {**INVITED, "code_mailed": False},
                },
                "The new chat user; an agent who joins gets a token.",
            ),
            202: Response(
                AcceptedSerializer,
                {
                    "A guest comes back": {
                        "chat_id": 7,
                        "email": GUEST["email"],
                        "code_mailed": True,
                    }
                },
                "The address was in the chat already; a code or an invitation is on its way.",
            ),
        },
        "* Without a token a guest joins, by the chat's password: an auth code is mailed, and "
        "`get-token` takes it. Where the company does not verify first joins, the token comes at "
        "once.\n"
        "* A member without a body joins as agent. The token has the scopes of the API token that "
        "is sent, expires no later, and ends with it.\n"
        "* A member with an `email` invites that person by mail.\n\n"
        "A former member of the company is refused as `banned` until they are a member again, or "
        "until a member invites them.",
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
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {200: Response(ChatUserSerializer, {"Gina": GUEST}, "The chat user.")},
    ),
    update=Operation(
        "Edit",
        {
            200: Response(
                ChatUserSerializer,
                {
                    "Renamed": {**GUEST, "first_name": "Georgina"},
                    "Banned": {
                        **GUEST,
                        "status": "banned",
                        "left_at": "2021-07-05T10:00:00.000000Z",
                    },
                },
                "The chat user as it is now.",
            )
        },
        "The chat user itself, and members, who alone may ban: guests, and agents who are no "
        "longer members.",
        request=ChatUserEdit,
        examples={"Rename": {"first_name": "Georgina"}, "Ban": {"status": "banned"}},
    ),
    destroy=Operation(
        "Leave, or remove",
        {
            200: Response(
                ChatUserSerializer,
                {"Left": {**GUEST, "status": "left", "left_at": "2021-07-05T10:00:00.000000Z"}},
                "The chat user, who is out of the chat.",
            )
        },
        "A chat user leaves, a member removes. What was said stays; the tokens die at once.",
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
                "The token, which is shown this once.",
            )
        },
        "The token can be kept in localStorage and is needed to write messages. `auth_code` is "
        "taken for `auth-code` too, and the same is answered without `/api` in the path. A code "
        "is good once, for ten minutes and five attempts. What is wrong is not told: an unknown "
        "chat or address answers as a wrong code does.",
        request=GetTokenInput,
        examples={
            "A number": {"email": "gina@example.com", "auth-code": 493817},
            "A string": {"email": "gina@example.com", "auth-code": "493817"},
        },
        errors=(ErrorCode.INVALID_AUTH_CODE,),
    ),
)
