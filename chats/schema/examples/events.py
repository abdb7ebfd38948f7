"""An example of each event of the log and of the streams."""

from typing import Any

from chats.models.events import EVENT_KINDS, EventType, Subject
from chats.schema.examples.chat_users import GUEST, PRIVATE_FIELDS
from chats.schema.examples.chats import CHAT, CHAT_BRIEF
from chats.schema.examples.messages import MESSAGE
from chats.schema.examples.notes import NOTE

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


NOTE_EVENT = {
    "seq": NOTE["seq"],
    "member_seq": NOTE["member_seq"],
    "type": "note.created",
    "chat_id": 42,
    "created_at": NOTE["created_at"],
    "data": NOTE,
}


GUEST_IN_EVENTS: dict[str, Any] = EVENTS[1]["data"]


def logged(seq: int, type: str, data: dict[str, Any], at: str) -> dict[str, Any]:
    return {"seq": seq, "type": type, "chat_id": 42, "created_at": at, "data": data}


def ephemeral(type: str, data: dict[str, Any]) -> dict[str, Any]:
    at = "2021-07-05T09:31:30.000000Z"
    return {"type": type, "chat_id": 42, "created_at": at, "data": data}


SUBJECTS = {
    Subject.CHAT: CHAT_BRIEF,
    Subject.USER: GUEST_IN_EVENTS,
    Subject.MESSAGE: MESSAGE,
    Subject.NOTE: NOTE,
    Subject.MENTION: {
        "message_id": 302,
        "seq": 4,
        "author": {"id": 9, "first_name": "Bob", "last_name": "Baker", "role": "agent"},
        "mentions": [6],
    },
}


def example(seq: int, event_type: EventType) -> dict[str, Any]:
    kind = EVENT_KINDS[event_type]
    data = {**SUBJECTS[kind.subject], **kind.example}
    happened = (data.get(field) for field in ("deleted_at", "edited_at", "left_at"))
    at = next(filter(None, happened), f"2021-07-05T09:{40 + seq}:00.000000Z")
    return logged(seq, event_type.value, data, at)


SHOWN = {event["type"] for event in EVENTS}
LOG = EVENTS + [
    example(seq, event_type)
    for seq, event_type in enumerate(
        (each for each in EventType if each not in SHOWN), start=len(EVENTS) + 1
    )
]
EPHEMERAL = [
    ephemeral("typing", {"chat_user_id": GUEST["id"], "expires_at": "2021-07-05T09:31:36.000000Z"}),
    ephemeral("read", {"chat_user_id": GUEST["id"], "seq": MESSAGE["seq"]}),
    ephemeral("presence", {"users": [{"id": GUEST["id"], "online": True, "last_seen_at": None}]}),
]
BYE = {"code": "invalid_token", "message": "This token is no longer valid."}
STREAMED: dict[str, Any] = {event["type"]: event for event in (*LOG, *EPHEMERAL)} | {"bye": BYE}
