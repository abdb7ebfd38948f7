"""An example of each event of the log and of the streams."""

from typing import Any

from chats.schema.examples.chat_users import GUEST, PRIVATE_FIELDS
from chats.schema.examples.chats import CHAT, CHAT_BRIEF
from chats.schema.examples.messages import EDITED, MESSAGE, TOMBSTONE

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
        "data": {k: v for k, v in GUEST.items() if k not in PRIVATE_FIELDS},
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


GUEST_IN_EVENTS: dict[str, Any] = EVENTS[1]["data"]


def logged(seq: int, type: str, data: dict[str, Any], at: str) -> dict[str, Any]:
    return {"seq": seq, "type": type, "chat_id": 42, "created_at": at, "data": data}


def ephemeral(type: str, data: dict[str, Any]) -> dict[str, Any]:
    at = "2021-07-05T09:31:30.000000Z"
    return {"type": type, "chat_id": 42, "created_at": at, "data": data}


LEFT_AT = "2021-07-05T10:00:00.000000Z"
LOG = [
    *EVENTS,
    logged(4, "message.updated", EDITED, EDITED["edited_at"]),
    logged(5, "message.deleted", TOMBSTONE, TOMBSTONE["deleted_at"]),
    logged(
        6, "chat.updated", {**CHAT_BRIEF, "name": "Booking 4712"}, "2021-07-05T09:40:00.000000Z"
    ),
    logged(7, "chat.closed", {**CHAT_BRIEF, "status": "closed"}, "2021-07-05T09:50:00.000000Z"),
    logged(8, "chat.reopened", CHAT_BRIEF, "2021-07-05T09:51:00.000000Z"),
    logged(
        9,
        "user.updated",
        {**GUEST_IN_EVENTS, "first_name": "Georgina"},
        "2021-07-05T09:55:00.000000Z",
    ),
    logged(10, "user.left", {**GUEST_IN_EVENTS, "status": "left", "left_at": LEFT_AT}, LEFT_AT),
    logged(
        11, "user.removed", {**GUEST_IN_EVENTS, "status": "banned", "left_at": LEFT_AT}, LEFT_AT
    ),
]
EPHEMERAL = [
    ephemeral("typing", {"chat_user_id": GUEST["id"], "expires_at": "2021-07-05T09:31:36.000000Z"}),
    ephemeral("read", {"chat_user_id": GUEST["id"], "seq": MESSAGE["seq"]}),
    ephemeral(
        "presence", {"users": [{"id": GUEST["id"], "online": True, "last_seen_at": None}]}
    ),
]  # fmt: skip
BYE = {"code": "invalid_token", "message": "This token is no longer valid."}
STREAMED: dict[str, Any] = {event["type"]: event for event in (*LOG, *EPHEMERAL)} | {"bye": BYE}
