"""The chat, the people and the messages of the schema's examples."""

from typing import Any

GUEST: dict[str, Any] = {
    "id": 51,
    "chat_id": 42,
    "first_name": "Gina",
    "last_name": "Green",
    "email": "gina@example.com",
    "role": "guest",
    "status": "active",
    "assurance": "email_verified",
    "created_at": "2021-07-05T09:30:00.000000Z",
    "joined_at": "2021-07-05T09:31:10.000000Z",
    "left_at": None,
    "last_read_seq": 7,
    "last_seen_at": "2021-07-05T09:38:20.000000Z",
}
AGENT: dict[str, Any] = {
    "id": 52,
    "chat_id": 42,
    "first_name": "Bob",
    "last_name": "Baker",
    "email": "bob@acme.example.com",
    "role": "agent",
    "status": "active",
    "assurance": "member",
    "created_at": "2021-07-05T09:40:00.000000Z",
    "joined_at": "2021-07-05T09:40:00.000000Z",
    "left_at": None,
    "last_read_seq": 7,
    "last_seen_at": None,
}
# Not in an event, which everybody in the chat sees.
FOR_SOME = {"email", "last_read_seq", "last_seen_at"}
# Examples of tokens, too short to be any.
TOKEN = "cnc_42_…"  # noqa: S105
JOIN_URL = "https://chat.example.com/chats/42#kT7mWq2ZrbXh4d"
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
EDITED = {
    **MESSAGE,
    "text": "Hello, I would like to change my booking 4711.",
    "edited_at": "2021-07-05T09:33:00.000000Z",
}
TOMBSTONE = {**MESSAGE, "text": None, "deleted_at": "2021-07-05T09:35:00.000000Z"}
CHAT: dict[str, Any] = {
    "id": 42,
    "company_id": 3,
    "name": "Booking 4711",
    "status": "open",
    "external_id": "booking-4711",
    "metadata": {"locale": "en-GB"},
    "last_seq": 3,
    "last_message": MESSAGE,
    "chat_user_id": 52,
    "unread_count": 1,
    "users_count": 2,
    "created_at": "2021-07-05T09:30:00.000000Z",
    "deleted_at": None,
}
NEW_CHAT = {
    **CHAT,
    "last_seq": 1,
    "last_message": None,
    "chat_user_id": None,
    "unread_count": 0,
    "users_count": 0,
}
CHAT_FOR_GUEST = {
    name: value
    for name, value in {**CHAT, "chat_user_id": 51, "unread_count": 0}.items()
    if name not in {"external_id", "metadata"}
}
CHAT_BRIEF = {name: CHAT[name] for name in ("id", "company_id", "name", "status", "created_at")}
COMPANY_BRIEF = {"id": 3, "name": "Acme Travel", "slug": "acme-travel", "logo_url": ""}
EVENTS: list[dict[str, Any]] = [
    {
        "seq": 1,
        "type": "chat.created",
        "chat_id": 42,
        "created_at": CHAT["created_at"],
        "data": CHAT_BRIEF,
    },
    {
        "seq": 2,
        "type": "user.joined",
        "chat_id": 42,
        "created_at": GUEST["joined_at"],
        "data": {k: v for k, v in GUEST.items() if k not in FOR_SOME},
    },
    {
        "seq": 3,
        "type": "message.created",
        "chat_id": 42,
        "created_at": MESSAGE["created_at"],
        "data": MESSAGE,
    },
]
ALL_EVENT = {"id": "2021-07-05T09:31:38.000000Z_42_3", **EVENTS[2]}
JOINED = {**GUEST, "assurance": "claimed"}
INVITED = {
    **GUEST,
    "id": 53,
    "first_name": "",
    "last_name": "",
    "email": "ida@example.com",
    "status": "invited",
    "assurance": "claimed",
    "joined_at": None,
    "last_read_seq": 0,
    "last_seen_at": None,
}
