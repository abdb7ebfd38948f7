"""Example chat users."""

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
# Fields that events leave out, because everyone in the chat sees events.
PRIVATE_FIELDS = {"email", "last_read_seq", "last_seen_at"}
# Too short to be a real token.
TOKEN = "cnc_42_…"  # noqa: S105 (an example)
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
