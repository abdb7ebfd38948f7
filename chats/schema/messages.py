"""The OpenAPI descriptions of messages."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Resource, Response, describe, page
from chats.schema.examples.messages import EDITED, MESSAGE, TOMBSTONE
from chats.serializers.messages import (
    MessageDetailSerializer,
    MessageEdit,
    MessageInput,
    MessageSerializer,
    MessagesQuery,
)

messages = describe(
    "messages",
    "Messages",
    Resource("message", "messages", MessageSerializer),
    list=Operation(
        shown={"One message": page("/api/chats/42/messages", MESSAGE)},
        answer="The messages, newest first; with `order=asc`, oldest first.",
        description="`before_seq`, `after_seq` and `around_seq` (one per request) start a page at "
        "a message's `seq`, at the same cost at any depth. Follow `next_page_url` and "
        "`prev_page_url` from there.",
        query=MessagesQuery,
    ),
    create=Operation(
        summary="Send a message",
        shown={"Sent": MESSAGE},
        description="With an `Idempotency-Key`, retrying "
        "never creates a duplicate, no matter when or with which of the chat user's tokens.",
        request=MessageInput,
        examples={
            "Hello": {"text": MESSAGE["text"]},
            "A reply": {"text": "Which date do you want?", "reply_to_id": MESSAGE["id"]},
        },
        errors=(ErrorCode.CHAT_CLOSED,),
    ),
    retrieve=Operation(
        "Get a message",
        {
            200: Response(
                MessageDetailSerializer,
                {
                    "For a chat user": MESSAGE,
                    "For a member": {
                        **EDITED,
                        "revisions": [
                            {"text": MESSAGE["text"], "replaced_at": EDITED["edited_at"]},
                        ],
                    },
                },
                "The message. Members also see its earlier texts.",
            )
        },
    ),
    update=Operation(
        "Edit a message",
        {200: Response(MessageDetailSerializer, {"Edited": EDITED}, "The updated message.")},
        "Only the author can edit a message, within 15 minutes unless the company has set another "
        "limit, and at most 100 times. The message keeps its `seq`.",
        request=MessageEdit,
        examples={"New text": {"text": EDITED["text"]}},
        errors=(
            ErrorCode.NOT_AUTHOR,
            ErrorCode.EDIT_WINDOW_OVER,
            ErrorCode.MESSAGE_DELETED,
            ErrorCode.CHAT_CLOSED,
        ),
    ),
    destroy=Operation(
        "Delete a message",
        {
            200: Response(
                MessageDetailSerializer, {"Deleted": TOMBSTONE}, "The message without its text."
            )
        },
        "The text is deleted; the message keeps its "
        "position and its author. Deleting it again is not an error.",
        errors=(ErrorCode.NOT_AUTHOR,),
    ),
)
