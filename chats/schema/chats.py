"""The OpenAPI descriptions of chats."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Resource, Response, describe, page
from chats.schema.events import CHAT_USER_TOKEN, LAST_EVENT_ID, STREAM, STREAM_RULES
from chats.schema.examples.chats import CHAT, CHAT_FOR_GUEST, JOIN_URL, NEW_CHAT
from chats.schema.examples.events import EVENTS, NOTE_EVENT
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
from chats.serializers.events import EventsSerializer, MemberEventsQuery

chats = describe(
    "chats",
    "Chats",
    Resource("chat", "chats", ChatSerializer),
    list=Operation(
        shown={
            "For a member": page("/api/chats", CHAT),
            "For a chat user": page("/api/chats", CHAT_FOR_GUEST),
        },
        answer="The chats of the account's companies; for a chat user, only its own chat.",
        query=ChatsQuery,
    ),
    create=Operation(
        shown={"New": NEW_CHAT},
        description="For members of the company. If no password is sent, one is generated; "
        "`share` returns it.",
        request=ChatInput,
        examples={
            "Company only": {"company_id": 3},
            "With optional fields": {
                "company_id": "acme-travel",
                "name": "Booking 4711",
                "external_id": "booking-4711",
                "metadata": {"locale": "en-GB"},
            },
        },
    ),
    retrieve=Operation(shown={"For a member": CHAT, "For a chat user": CHAT_FOR_GUEST}),
    update=Operation(
        summary="Update, close or reopen a chat",
        shown={"Closed": {**CHAT, "status": "closed", "last_seq": 4}},
        description="Omitted fields keep their values. A closed chat is read-only. Only "
        "managers and owners can change the password.",
        request=ChatEdit,
        examples={"Close": {"status": "closed"}, "Rename": {"name": "Booking 4711, changed"}},
    ),
    destroy=Operation(
        shown={"Deleted": {**CHAT, "deleted_at": "2021-08-01T08:00:00.000000Z"}},
        description="The chat's tokens are revoked immediately. The operator can "
        "restore the chat for 30 days.",
    ),
    share=Operation(
        "Get the chat's password",
        {
            200: Response(
                ShareSerializer,
                {"A link": {"password": "kT7mWq2ZrbXh4d", "url": JOIN_URL}},
                "The password, and the join link for guests with the password in its fragment.",
            )
        },
        "For chat users and members. The token also needs the scope `read`, because the "
        "password lets its holder join and read. The route also works without `/api` in the "
        "path.",
        request=ShareInput,
        examples={"Current password": {}, "A new password": {"rotate": True}},
    ),
    events=Operation(
        "List or stream a chat's events",
        {
            200: Response(
                EventsSerializer,
                {
                    "Three events": {"data": EVENTS, "last_seq": 3},
                    "Nothing new": {"data": [], "last_seq": 3},
                    "For a member": {
                        "data": [*EVENTS, NOTE_EVENT],
                        "last_seq": 3,
                        "last_member_seq": 1,
                        "last_id": "3.m1",
                    },
                },
                "The events after `after`, oldest first. With `Accept: text/event-stream`, the "
                "same events as a stream; each `data:` line is a `StreamEvent`.",
            ),
            (200, "text/event-stream"): STREAM,
        },
        "The chat's log, without gaps. Send the last `seq` you have as `after`. With `wait`, the "
        "response is held until there is an event or the time is up. A waiting request counts as "
        "an open stream.\n\n"
        "Members read both logs of the chat as one: also the members' log, which has the notes. "
        "They send the `last_id` of a page as `after`. A `seq` alone stands for both logs from "
        "that event on, so notes written after it are repeated, but do not end a wait.\n\n"
        f"{STREAM_RULES} The `id:` of an event is its `seq`; for members, it also says how far the "
        "members' log was read, like `12.m4`. Send it back as `Last-Event-ID`, and no event is "
        "lost, repeated or out of order.",
        query=MemberEventsQuery,
        parameters=(LAST_EVENT_ID, CHAT_USER_TOKEN),
    ),
    typing=Operation(
        "Report typing",
        {
            200: Response(
                TypingSerializer,
                {"Typing": {"expires_at": "2021-07-05T09:31:44.000000Z"}},
                "When the indicator expires.",
            )
        },
        "Sends an ephemeral `typing` event to the chat's streams. It expires after six seconds; "
        "repeat the request every few seconds while the user is typing.",
        request=TypingInput,
        examples={"Typing": {}, "Stopped typing": {"typing": False}},
        errors=(ErrorCode.CHAT_CLOSED,),
        id="chats_typing",
    ),
    read=Operation(
        "Mark as read",
        {
            200: Response(
                ReadSerializer, {"Read": {"seq": 3}}, "The seq up to which the chat user has read."
            )
        },
        "Marks everything up to `seq` as read. The marker never moves back. Sending a message "
        "also marks everything up to it as read.",
        request=ReadInput,
        examples={"Up to the third event": {"seq": 3}},
        id="chats_read",
    ),
)
