"""Example messages."""

from typing import Any

from chats.models.events import EVENT_KINDS, EventType
from chats.schema.examples.chat_users import GUEST

MESSAGE: dict[str, Any] = {
    "id": 301,
    "chat_id": 42,
    "seq": 3,
    "text": "Hello, I would like to change my booking.",
    "author": {name: GUEST[name] for name in ("id", "first_name", "last_name", "role")},
    "assurance": "email_verified",
    "created_at": "2021-07-05T09:31:38.000000Z",
    "edited_at": None,
    "deleted_at": None,
}
EDITED = {**MESSAGE, **EVENT_KINDS[EventType.MESSAGE_UPDATED].example}
TOMBSTONE = {**MESSAGE, **EVENT_KINDS[EventType.MESSAGE_DELETED].example}
