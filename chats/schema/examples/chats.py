"""Example chats."""

from typing import Any

from chats.schema.examples.messages import MESSAGE

JOIN_URL = "https://chat.example.com/chats/42#kT7mWq2ZrbXh4d"
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
