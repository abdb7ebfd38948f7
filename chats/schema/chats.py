"""The OpenAPI descriptions of chats."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Response, describe, page, page_of
from chats.schema.events import CHAT_USER_TOKEN, LAST_EVENT_ID, STREAM, STREAM_RULES
from chats.schema.examples.chats import CHAT, CHAT_FOR_GUEST, JOIN_URL, NEW_CHAT
from chats.schema.examples.events import EVENTS
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

chats = describe(
    "chats",
    "Chats",
    list=Operation(
        "Get all",
        {
            200: Response(
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
        {201: Response(ChatSerializer, {"New": NEW_CHAT}, "The new chat.")},
        "Members of the company. Without a password one is made; `share` shows it.",
        request=ChatInput,
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
            200: Response(
                ChatSerializer,
                {"To a member": CHAT, "To a chat user": CHAT_FOR_GUEST},
                "The chat.",
            )
        },
    ),
    update=Operation(
        "Edit, close or reopen",
        {
            200: Response(
                ChatSerializer,
                {"Closed": {**CHAT, "status": "closed", "last_seq": 4}},
                "The chat as it is now.",
            )
        },
        "Members. Fields that are not sent stay as they are. A closed chat can be read, not "
        "written to. The password is for managers and owners.",
        request=ChatEdit,
        examples={"Close": {"status": "closed"}, "Rename": {"name": "Booking 4711, changed"}},
    ),
    destroy=Operation(
        "Delete",
        {
            200: Response(
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
            200: Response(
                ShareSerializer,
                {"A link": {"password": "kT7mWq2ZrbXh4d", "url": JOIN_URL}},
                "The password, and the link for guests that has it in its fragment.",
            )
        },
        "Whoever is in the chat may share it. The token needs the scope `read` too, for one can "
        "join and read by the password. The same is answered without `/api` in the path.",
        request=ShareInput,
        examples={"As it is": {}, "A new password": {"rotate": True}},
        replays=True,
    ),
    events=Operation(
        "Read the log",
        {
            200: Response(
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
            200: Response(
                TypingSerializer,
                {"Typing": {"expires_at": "2021-07-05T09:31:44.000000Z"}},
                "Until when the others see it.",
            )
        },
        "The streams of the chat get a passing event `typing`. It ends by itself after six "
        "seconds: tell it again every few seconds while it goes on.",
        request=TypingInput,
        examples={"Typing": {}, "Given up": {"typing": False}},
        errors=(ErrorCode.JOIN_FIRST, ErrorCode.CHAT_CLOSED),
        id="chats_typing",
    ),
    read=Operation(
        "Note what was read",
        {
            200: Response(
                ReadSerializer, {"Read": {"seq": 3}}, "How far the chat user has read now."
            )
        },
        "A chat user has read up to `seq`. It never goes back; sending reads up to one's own "
        "message.",
        request=ReadInput,
        examples={"Up to the third event": {"seq": 3}},
        errors=(ErrorCode.JOIN_FIRST,),
        id="chats_read",
    ),
)
