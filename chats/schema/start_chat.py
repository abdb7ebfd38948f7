"""The OpenAPI description of how a guest starts a chat."""

from chatapi.api.schema.describe import Operation, Response, describe
from chats.schema.examples.chat_users import JOINED
from chats.schema.examples.chats import CHAT_BRIEF, JOIN_URL
from chats.serializers.start_chat import StartChatInput, StartedSerializer

start_chat = describe(
    "start_chat",
    "Chats",
    create=Operation(
        "Start a chat as a guest",
        {
            201: Response(
                StartedSerializer,
                {
                    "Code mailed": {
                        "chat": {**CHAT_BRIEF, "name": "Gina Green"},
                        "chat_user": JOINED,
                        "password": "kT7mWq2ZrbXh4d",
                        "url": JOIN_URL,
                        "code_mailed": True,
                    }
                },
                "The new chat, its first chat user and the link to return to it.",
            )
        },
        "For the button on a company's website; no token is required. An auth code is mailed; "
        "exchange it with `get-token`.",
        request=StartChatInput,
        examples={
            "With a first message": {
                "first_name": "Gina",
                "last_name": "Green",
                "email": "gina@example.com",
                "message": "Hello, I would like to change my booking.",
            }
        },
        id="start_chat",
    ),
)
