"""Example messages."""

from datetime import UTC, datetime
from typing import Any

from chats import representations
from chats.models import Message
from chats.models.events import EVENT_KINDS, EventType
from chats.schema.examples.chat_users import GUEST

# In its public form. A column that is not named here has its default.
MESSAGE: dict[str, Any] = representations.message(
    {
        **{field.attname: field.get_default() for field in Message._meta.concrete_fields},
        "id": 301,
        "chat_id": 42,
        "seq": 3,
        "text": "Hello, I would like to change my booking.",
        "author_id": GUEST["id"],
        **{f"author__{name}": GUEST[name] for name in ("first_name", "last_name", "role")},
        "assurance": "email_verified",
        "created_at": datetime(2021, 7, 5, 9, 31, 38, tzinfo=UTC),
    }
)
EDITED = {**MESSAGE, **EVENT_KINDS[EventType.MESSAGE_UPDATED].example}
TOMBSTONE = {**MESSAGE, **EVENT_KINDS[EventType.MESSAGE_DELETED].example}
