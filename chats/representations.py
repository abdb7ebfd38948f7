"""How rows of the log look from outside: the same in an answer, in the log and in a stream.

Rows come as the dicts of `QuerySet.values()`: the hot paths make no model instances.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatapi.api.encoding import instant
from chats.models import Chat, ChatUser

Row = Mapping[str, Any]

MESSAGE_COLUMNS = (
    "id",
    "chat_id",
    "seq",
    "text",
    "assurance",
    "created_at",
    "edited_at",
    "deleted_at",
    "author_id",
)
MESSAGE_FIELDS = (
    *MESSAGE_COLUMNS,
    "author__first_name",
    "author__last_name",
    "author__role",
)

EVENT_FIELDS = (
    "chat_id",
    "seq",
    "type",
    "created_at",
    "data",
    "message_id",
    *(f"message__{field}" for field in MESSAGE_FIELDS),
)


def message(row: Row, prefix: str = "") -> dict[str, Any]:
    """A message out of a row of MESSAGE_FIELDS, each after `prefix`. Deleted, it has no text."""
    edited_at, deleted_at = row[f"{prefix}edited_at"], row[f"{prefix}deleted_at"]
    return {
        "id": row[f"{prefix}id"],
        "chat_id": row[f"{prefix}chat_id"],
        "seq": row[f"{prefix}seq"],
        "text": None if deleted_at else row[f"{prefix}text"],
        "author": {
            "id": row[f"{prefix}author_id"],
            "first_name": row[f"{prefix}author__first_name"],
            "last_name": row[f"{prefix}author__last_name"],
            "role": row[f"{prefix}author__role"],
        },
        "assurance": row[f"{prefix}assurance"],
        "created_at": instant(row[f"{prefix}created_at"]),
        "edited_at": instant(edited_at) if edited_at else None,
        "deleted_at": instant(deleted_at) if deleted_at else None,
    }


def event(row: Row) -> dict[str, Any]:
    """An event out of a row of EVENT_FIELDS."""
    data = row["data"] if row["message_id"] is None else message(row, "message__")
    return shown(row["chat_id"], row["seq"], row["type"], row["created_at"], data)


def shown(
    chat_id: int, seq: int, type: str, created_at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    """An event, out of its parts."""
    return {
        "seq": seq,
        "type": type,
        "chat_id": chat_id,
        "created_at": instant(created_at),
        "data": data,
    }


def chat_user(user: ChatUser) -> dict[str, Any]:
    """A chat user as everybody in the chat may see them: without the address."""
    return {
        "id": user.pk,
        "chat_id": user.chat_id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "status": user.status,
        "assurance": user.assurance,
        "created_at": instant(user.created_at),
        "joined_at": instant(user.joined_at) if user.joined_at else None,
        "left_at": instant(user.left_at) if user.left_at else None,
    }


def chat_user_in_full(user: ChatUser, email: str | None) -> dict[str, Any]:
    """A chat user as an answer has it; `email` is None to those who may not see it."""
    shown = chat_user(user)
    seen = user.last_seen_at
    return {
        **shown,
        "email": email,
        "last_read_seq": user.last_read_seq,
        "last_seen_at": instant(seen) if seen else None,
    }


def chat_in_full(
    found: Any, last_message: dict[str, Any] | None, *, for_member: bool
) -> dict[str, Any]:
    """A chat as `access.chats.with_summary` gives it, with its newest message."""
    shown = chat(found)
    if for_member:
        shown |= {"external_id": found.external_id, "metadata": found.metadata}
    return {
        **shown,
        "last_seq": found.last_seq,
        "last_message": last_message,
        "chat_user_id": found.own_id,
        "unread_count": found.unread_count,
        "users_count": found.users_count,
        "deleted_at": instant(found.deleted_at) if found.deleted_at else None,
    }


def chat(chat: Chat) -> dict[str, Any]:
    """A chat as everybody in it may see it: without what the integrator keeps there."""
    return {
        "id": chat.pk,
        "company_id": chat.company_id,
        "name": chat.name,
        "status": chat.status,
        "created_at": instant(chat.created_at),
    }
