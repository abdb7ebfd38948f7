"""The OpenAPI descriptions of messages."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Response, describe, page, page_of
from chats.schema.examples.messages import EDITED, MESSAGE, TOMBSTONE
from chats.serializers.messages import (
    MessageDetailSerializer,
    MessageInput,
    MessageSerializer,
    MessagesQuery,
)

messages = describe(
    "messages",
    "Messages",
    list=Operation(
        "Get all",
        {
            200: Response(
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
        {201: Response(MessageSerializer, {"Sent": MESSAGE}, "The message.")},
        "Chat users; a member joins the chat first. With an `Idempotency-Key` a message that is "
        "sent again, at any time and by any token of the chat user, is not doubled.",
        request=MessageInput,
        examples={"Hello": {"text": MESSAGE["text"]}},
        errors=(ErrorCode.JOIN_FIRST, ErrorCode.CHAT_CLOSED),
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {
            200: Response(
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
        {200: Response(MessageDetailSerializer, {"Edited": EDITED}, "The message as it is now.")},
        "Its author, by the chat-user token, within 15 minutes unless the company says otherwise. "
        "It keeps its `seq`.",
        request=MessageInput,
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
        {200: Response(MessageDetailSerializer, {"Deleted": TOMBSTONE}, "What is left of it.")},
        "Its author, or a manager or owner. Its place and its author stay; its text goes. Again is "
        "no error.",
        errors=(ErrorCode.NOT_AUTHOR,),
    ),
)
