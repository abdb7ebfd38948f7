"""The OpenAPI descriptions of reactions."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Response, describe
from chats.models.events import EVENT_KINDS, EventType
from chats.schema.examples.messages import MESSAGE
from chats.serializers.messages import MessageSerializer

REACTIONS = EVENT_KINDS[EventType.REACTION_ADDED].example["reactions"]
ERRORS = (ErrorCode.MESSAGE_DELETED, ErrorCode.CHAT_CLOSED)

reactions = describe(
    "reactions",
    "Messages",
    update=Operation(
        "React to a message",
        {
            200: Response(
                MessageSerializer, {"Added": {**MESSAGE, "reactions": REACTIONS}}, "The message."
            )
        },
        "A chat user can use each emoji once for a message. Doing it again is not an error.",
        errors=ERRORS,
    ),
    destroy=Operation(
        "Remove a reaction",
        {200: Response(MessageSerializer, {"Removed": MESSAGE}, "The message.")},
        "Removing one that is not there is not an error.",
        errors=ERRORS,
    ),
)
