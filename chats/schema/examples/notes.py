"""Example notes."""

from typing import Any

from chats.models.events import EVENT_KINDS, EventType

NOTE: dict[str, Any] = {
    "id": 7,
    "chat_id": 42,
    "seq": 3,
    "member_seq": 1,
    "text": "Gina is a regular guest.",
    "author": {"id": 5, "name": "Bob Baker"},
    "mentions": [],
    "created_at": "2021-07-05T09:32:10.000000Z",
    "edited_at": None,
    "deleted_at": None,
}
DETAIL = {**NOTE, "revisions": []}
EDITED = {
    **NOTE,
    **EVENT_KINDS[EventType.NOTE_UPDATED].example,
    "revisions": [{"text": NOTE["text"], "replaced_at": "2021-07-05T09:34:00.000000Z"}],
}
TOMBSTONE = {**DETAIL, **EVENT_KINDS[EventType.NOTE_DELETED].example}
