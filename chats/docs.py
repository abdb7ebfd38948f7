"""What the OpenAPI schema says of chats, chat users and messages."""
# drf-spectacular is typed in part only.
# mypy: disallow_untyped_calls=False

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import PolymorphicProxySerializer

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Answer, Operation, describe, page, page_of
from chats.docs_stream import CHAT_USER_TOKEN, LAST_EVENT_ID, STREAM, STREAM_RULES
from chats.examples import (
    AGENT,
    CHAT,
    CHAT_BRIEF,
    CHAT_FOR_GUEST,
    COMPANY_BRIEF,
    EDITED,
    EVENTS,
    GUEST,
    INVITED,
    JOIN_URL,
    JOINED,
    MESSAGE,
    NEW_CHAT,
    TOKEN,
    TOMBSTONE,
)
from chats.serializers.chat_users import (
    AcceptedSerializer,
    ChatUserEdit,
    ChatUserSerializer,
    CurrentChatUserSerializer,
    InviteInput,
    JoinedSerializer,
    JoinInput,
)
from chats.serializers.chats import (
    ChatEdit,
    ChatInput,
    ChatSerializer,
    ChatsQuery,
    ReadInput,
    ReadSerializer,
    ShareInput,
    ShareSerializer,
    TypingInput,
    TypingSerializer,
)
from chats.serializers.events import EventsQuery, EventsSerializer
from chats.serializers.messages import (
    MessageDetailSerializer,
    MessageInput,
    MessageSerializer,
    MessagesQuery,
)
from chats.serializers.start_chat import StartChatInput, StartedSerializer
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
            200: Answer(
                CurrentChatUserSerializer,
                {"Gina": {**GUEST, "chat": CHAT_BRIEF, "company": COMPANY_BRIEF}},
                "The chat user, with chat and company.",
            )
        },
        id="current_chat_user",
    ),
)

chats = describe(
    "chats",
    "Chats",
    list=Operation(
        "Get all",
        {
            200: Answer(
                page_of(ChatSerializer),
                {
                    "To a member": page("/api/chats", CHAT),
                    "To a chat user": page("/api/chats", CHAT_FOR_GUEST),
                },
                "The chats of the account's companies; to a chat user its own one.",
            )
        },
        query=ChatsQuery,
    ),
    create=Operation(
        "Create",
        {201: Answer(ChatSerializer, {"New": NEW_CHAT}, "The new chat.")},
        "Members of the company. Without a password one is made; `share` shows it.",
        takes=ChatInput,
        examples={
            "The company is enough": {"company_id": 3},
            "With more": {
                "company_id": "acme-travel",
                "name": "Booking 4711",
                "external_id": "booking-4711",
                "metadata": {"locale": "en-GB"},
            },
        },
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {
            200: Answer(
                ChatSerializer,
                {"To a member": CHAT, "To a chat user": CHAT_FOR_GUEST},
                "The chat.",
            )
        },
    ),
    update=Operation(
        "Edit, close or reopen",
        {
            200: Answer(
                ChatSerializer,
                {"Closed": {**CHAT, "status": "closed", "last_seq": 4}},
                "The chat as it is now.",
            )
        },
        "Members. Fields that are not sent stay as they are. A closed chat can be read, not "
        "written to. The password is for managers and owners.",
        takes=ChatEdit,
        examples={"Close": {"status": "closed"}, "Rename": {"name": "Booking 4711, changed"}},
    ),
    destroy=Operation(
        "Delete",
        {
            200: Answer(
                ChatSerializer,
                {"Deleted": {**CHAT, "deleted_at": "2021-08-01T08:00:00.000000Z"}},
                "The chat that was deleted.",
            )
        },
        "Managers and owners. Its chat-user tokens die at once; the operator can restore it for "
        "30 days.",
    ),
    share=Operation(
        "Get the chat's password",
        {
            200: Answer(
                ShareSerializer,
                {"A link": {"password": "kT7mWq2ZrbXh4d", "url": JOIN_URL}},
                "The password, and the link for guests that has it in its fragment.",
            )
        },
        "Whoever is in the chat may share it. The token needs the scope `read` too, for one can "
        "join and read by the password. The same is answered without `/api` in the path.",
        takes=ShareInput,
        examples={"As it is": {}, "A new password": {"rotate": True}},
        replays=True,
    ),
    events=Operation(
        "Read the log",
        {
            200: Answer(
                EventsSerializer,
                {
                    "Three events": {"data": EVENTS, "last_seq": 3},
                    "Nothing new": {"data": [], "last_seq": 3},
                },
                "The events after `after`, oldest first. With `Accept: text/event-stream` the "
                "same as a stream: each of its `data:` lines is a `StreamEvent`.",
            ),
            (200, "text/event-stream"): STREAM,
        },
        "What happened in the chat, without gaps. Ask with the last `seq` you have as `after`; "
        "with `wait` the answer is held back until there is an event, or the time is up. A request "
        "that waits counts as an open stream.\n\n"
        f"{STREAM_RULES} The `id:` of an event is its `seq`: sent back as `Last-Event-ID`, nothing "
        "is lost, nothing comes twice and nothing out of order.",
        query=EventsQuery,
        parameters=(LAST_EVENT_ID, CHAT_USER_TOKEN),
    ),
    typing=Operation(
        "Tell that one is typing",
        {
            200: Answer(
                TypingSerializer,
                {"Typing": {"expires_at": "2021-07-05T09:31:44.000000Z"}},
                "Until when the others see it.",
            )
        },
        "The streams of the chat get a passing event `typing`. It ends by itself after six "
        "seconds: tell it again every few seconds while it goes on.",
        takes=TypingInput,
        examples={"Typing": {}, "Given up": {"typing": False}},
        errors=(ErrorCode.JOIN_FIRST, ErrorCode.CHAT_CLOSED),
        id="chats_typing",
    ),
    read=Operation(
        "Note what was read",
        {200: Answer(ReadSerializer, {"Read": {"seq": 3}}, "How far the chat user has read now.")},
        "A chat user has read up to `seq`. It never goes back; sending reads up to one's own "
        "message.",
        takes=ReadInput,
        examples={"Up to the third event": {"seq": 3}},
        errors=(ErrorCode.JOIN_FIRST,),
        id="chats_read",
    ),
)

chat_users = describe(
    "chat_users",
    "Chat users",
    list=Operation(
        "Get all",
        {
            200: Answer(
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
            201: Answer(
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
            202: Answer(
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
        takes=PolymorphicProxySerializer("ChatUserInput", [JoinInput, InviteInput], None),
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
        {200: Answer(ChatUserSerializer, {"Gina": GUEST}, "The chat user.")},
    ),
    update=Operation(
        "Edit",
        {
            200: Answer(
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
        takes=ChatUserEdit,
        examples={"Rename": {"first_name": "Georgina"}, "Ban": {"status": "banned"}},
    ),
    destroy=Operation(
        "Leave, or remove",
        {
            200: Answer(
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
            200: Answer(
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
        takes=GetTokenInput,
        examples={
            "A number": {"email": "gina@example.com", "auth-code": 493817},
            "A string": {"email": "gina@example.com", "auth-code": "493817"},
        },
        errors=(ErrorCode.INVALID_AUTH_CODE,),
    ),
)

start_chat = describe(
    "start_chat",
    "Chats",
    create=Operation(
        "Open a chat as a guest",
        {
            201: Answer(
                StartedSerializer,
                {
                    "A code was mailed": {
                        "chat": {**CHAT_BRIEF, "name": "Gina Green"},
                        "chat_user": JOINED,
                        "password": "kT7mWq2ZrbXh4d",
                        "url": JOIN_URL,
                        "code_mailed": True,
                    }
                },
                "The new chat, its first chat user and the link back into it.",
            )
        },
        "For the button on a company's website; no token is needed. An auth code is mailed, and "
        "`get-token` takes it.",
        takes=StartChatInput,
        examples={
            "With a first message": {
                "first_name": "Gina",
                "last_name": "Green",
                "email": "gina@example.com",
                "message": "Hello, I would like to change my booking.",
            }
        },
        replays=True,
        id="start_chat",
    ),
)

messages = describe(
    "messages",
    "Messages",
    list=Operation(
        "Get all",
        {
            200: Answer(
                page_of(MessageSerializer),
                {"One message": page("/api/chats/42/messages", MESSAGE)},
                "The messages, newest first unless `order=asc`.",
            )
        },
        "`before_seq`, `after_seq` and `around_seq`, one of them at a time, page from a message's "
        "`seq` at the same cost at any depth; follow `next_page_url` and `prev_page_url`.",
        query=MessagesQuery,
    ),
    create=Operation(
        "Create",
        {201: Answer(MessageSerializer, {"Sent": MESSAGE}, "The message.")},
        "Chat users; a member joins the chat first. With an `Idempotency-Key` a message that is "
        "sent again, at any time and by any token of the chat user, is not doubled.",
        takes=MessageInput,
        examples={"Hello": {"text": MESSAGE["text"]}},
        errors=(ErrorCode.JOIN_FIRST, ErrorCode.CHAT_CLOSED),
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {
            200: Answer(
                MessageDetailSerializer,
                {
                    "To a chat user": MESSAGE,
                    "To a member": {
                        **EDITED,
                        "revisions": [
                            {"text": MESSAGE["text"], "replaced_at": EDITED["edited_at"]},
                        ],
                    },
                },
                "The message; members also see its earlier texts.",
            )
        },
    ),
    update=Operation(
        "Edit",
        {200: Answer(MessageDetailSerializer, {"Edited": EDITED}, "The message as it is now.")},
        "Its author, by the chat-user token, within 15 minutes unless the company says otherwise. "
        "It keeps its `seq`.",
        takes=MessageInput,
        examples={"Another text": {"text": EDITED["text"]}},
        errors=(
            ErrorCode.JOIN_FIRST,
            ErrorCode.NOT_AUTHOR,
            ErrorCode.EDIT_WINDOW_OVER,
            ErrorCode.MESSAGE_DELETED,
            ErrorCode.CHAT_CLOSED,
        ),
    ),
    destroy=Operation(
        "Delete",
        {200: Answer(MessageDetailSerializer, {"Deleted": TOMBSTONE}, "What is left of it.")},
        "Its author, or a manager or owner. Its place and its author stay; its text goes. Again is "
        "no error.",
        errors=(ErrorCode.NOT_AUTHOR,),
    ),
)
