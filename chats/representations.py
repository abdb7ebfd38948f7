"""The public form of chats, chat users, messages, notes and events, in answers, logs and streams.

Rows are dicts from `QuerySet.values()`, because hot paths create no model instances.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts.names import name_of
from chatapi.api.encoding import instant
from chats import links
from chats.models import Attachment, Chat, ChatUser, Message, Note

Row = Mapping[str, Any]

PRIVATE_MESSAGE_COLUMNS = {"idempotency_key", "request_hash", "terms"}
MESSAGE_COLUMNS = tuple(
    field.attname
    for field in Message._meta.concrete_fields
    if field.attname not in PRIVATE_MESSAGE_COLUMNS
)
AUTHOR_NAMES = ("first_name", "last_name", "role")
QUOTED_COLUMNS = ("seq", "text", "deleted_at", "author_id")
MESSAGE_FIELDS = (
    *MESSAGE_COLUMNS,
    *(f"author__{name}" for name in AUTHOR_NAMES),
    *(f"reply_to__{name}" for name in QUOTED_COLUMNS),
    *(f"reply_to__author__{name}" for name in AUTHOR_NAMES),
)
QUOTE_LENGTH = 200  # of what a reply quotes, in code points

EVENT_FIELDS = (
    "chat_id",
    "seq",
    "type",
    "created_at",
    "data",
    "message_id",
    *(f"message__{field}" for field in MESSAGE_FIELDS),
)

NOTE_COLUMNS = tuple(f.attname for f in Note._meta.concrete_fields if f.attname != "terms")
MEMBER_NAMES = ("first_name", "last_name", "email")
NOTE_FIELDS = (*NOTE_COLUMNS, *(f"author__{name}" for name in MEMBER_NAMES))
MEMBER_EVENT_FIELDS = (
    "chat_id",
    "seq",
    "member_seq",
    "type",
    "created_at",
    "data",
    "note_id",
    *(f"note__{field}" for field in NOTE_FIELDS),
)


def message(row: Row, prefix: str = "") -> dict[str, Any]:
    """A message from a row of MESSAGE_FIELDS, prefixed by `prefix`. A deleted one has no text."""
    edited_at, deleted_at = row[f"{prefix}edited_at"], row[f"{prefix}deleted_at"]
    files, reacted = row[f"{prefix}attachments"], row[f"{prefix}reactions"]
    return {
        "id": row[f"{prefix}id"],
        "chat_id": row[f"{prefix}chat_id"],
        "seq": row[f"{prefix}seq"],
        "text": None if deleted_at else row[f"{prefix}text"],
        "author": author(row, prefix),
        "assurance": row[f"{prefix}assurance"],
        "reply_to": quote(row, prefix),
        "attachments": attachments(files) if files else [],
        "reactions": reactions(reacted) if reacted else [],
        "created_at": instant(row[f"{prefix}created_at"]),
        "edited_at": instant(edited_at) if edited_at else None,
        "deleted_at": instant(deleted_at) if deleted_at else None,
    }


def author(row: Row, prefix: str) -> dict[str, Any]:
    return {
        "id": row[f"{prefix}author_id"],
        "first_name": row[f"{prefix}author__first_name"],
        "last_name": row[f"{prefix}author__last_name"],
        "role": row[f"{prefix}author__role"],
    }


def quote(row: Row, prefix: str) -> dict[str, Any] | None:
    """The message that this one replies to, as it is now: without a text if it was deleted."""
    message_id = row[f"{prefix}reply_to_id"]
    if message_id is None:
        return None
    quoted = f"{prefix}reply_to__"
    return {
        "id": message_id,
        "seq": row[f"{quoted}seq"],
        "author": author(row, quoted),
        "text": None if row[f"{quoted}deleted_at"] else row[f"{quoted}text"][:QUOTE_LENGTH],
    }


def attachments(stored: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [attachment(each) for each in stored]


def attachment(stored: Mapping[str, Any]) -> dict[str, Any]:
    """An attachment as `Message.attachments` stores it, with links that were signed now."""
    ready = stored["status"] == Attachment.Status.READY
    thumbnail = ready and stored["thumbnail"]
    return {
        "id": stored["id"],
        "name": stored["name"],
        "size": stored["size"],
        "content_type": stored["content_type"],
        "width": stored["width"],
        "height": stored["height"],
        "duration": stored["duration"],
        "status": stored["status"],
        "url": links.link(stored["id"], stored["name"]) if ready else None,
        "thumbnail_url": (
            links.link(stored["id"], stored["name"], thumbnail=True) if thumbnail else None
        ),
        "placeholder": stored["placeholder"] or None,
        "created_at": stored["created_at"],
    }


def reactions(stored: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "emoji": each["emoji"],
            "count": len(each["chat_user_ids"]),
            "chat_user_ids": each["chat_user_ids"],
        }
        for each in stored
    ]


def note(row: Row, prefix: str = "") -> dict[str, Any]:
    """A note from a row of NOTE_FIELDS, prefixed by `prefix`. A deleted one has no text."""
    edited_at, deleted_at = row[f"{prefix}edited_at"], row[f"{prefix}deleted_at"]
    author_id = row[f"{prefix}author_id"]
    return {
        "id": row[f"{prefix}id"],
        "chat_id": row[f"{prefix}chat_id"],
        "seq": row[f"{prefix}seq"],
        "member_seq": row[f"{prefix}member_seq"],
        "text": None if deleted_at else row[f"{prefix}text"],
        "author": None if author_id is None else note_author(row, prefix),
        "mentions": [] if deleted_at else row[f"{prefix}mentions"],
        "created_at": instant(row[f"{prefix}created_at"]),
        "edited_at": instant(edited_at) if edited_at else None,
        "deleted_at": instant(deleted_at) if deleted_at else None,
    }


def note_author(row: Row, prefix: str) -> dict[str, Any]:
    names = (row[f"{prefix}author__{name}"] for name in MEMBER_NAMES)
    return {"id": row[f"{prefix}author_id"], "name": name_of(*names)}


def event(row: Row) -> dict[str, Any]:
    """An event from a row of EVENT_FIELDS, or of MEMBER_EVENT_FIELDS."""
    data = row["data"]
    if "member_seq" in row:
        if row["note_id"] is not None:
            data = note(row, "note__")
        return member_event_from_parts(
            row["chat_id"], row["seq"], row["member_seq"], row["type"], row["created_at"], data
        )
    if row["message_id"] is not None:
        data = message_event_data(message(row, "message__"), data)
    return event_from_parts(row["chat_id"], row["seq"], row["type"], row["created_at"], data)


def message_event_data(message: dict[str, Any], reaction: Any) -> dict[str, Any]:
    """The `data` of an event of a message, with the reaction that it adds or removes, if any."""
    return message if reaction is None else {**message, "reaction": reaction}


def event_from_parts(
    chat_id: int, seq: int, type: str, created_at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    """An event from its parts."""
    return {
        "seq": seq,
        "type": type,
        "chat_id": chat_id,
        "created_at": instant(created_at),
        "data": data,
    }


def member_event_from_parts(
    chat_id: int, seq: int, member_seq: int, type: str, created_at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    """An event of the members' log from its parts. `seq` is that of the event before it."""
    return {
        "seq": seq,
        "member_seq": member_seq,
        "type": type,
        "chat_id": chat_id,
        "created_at": instant(created_at),
        "data": data,
    }


def chat_user(user: ChatUser) -> dict[str, Any]:
    """A chat user as everyone in the chat may see them, without the e-mail address."""
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


def chat_user_detail(user: ChatUser, email: str | None) -> dict[str, Any]:
    """A chat user in full. `email` is None for callers who may not see it."""
    last_seen_at = user.last_seen_at
    return {
        **chat_user(user),
        "email": email,
        "last_read_seq": user.last_read_seq,
        "last_seen_at": instant(last_seen_at) if last_seen_at else None,
    }


def chat_detail(
    summarised: Any, last_message: dict[str, Any] | None, *, for_member: bool
) -> dict[str, Any]:
    """A chat from `access.chats.with_summary`, with its newest message."""
    fields = chat(summarised)
    if for_member:
        fields |= {"external_id": summarised.external_id, "metadata": summarised.metadata}
    return {
        **fields,
        "last_seq": summarised.last_seq,
        "last_message": last_message,
        "chat_user_id": summarised.own_id,
        "unread_count": summarised.unread_count,
        "users_count": summarised.users_count,
        "deleted_at": instant(summarised.deleted_at) if summarised.deleted_at else None,
    }


def chat(chat: Chat) -> dict[str, Any]:
    """A chat as everyone in it may see it, without the integrator's fields."""
    return {
        "id": chat.pk,
        "company_id": chat.company_id,
        "name": chat.name,
        "status": chat.status,
        "created_at": instant(chat.created_at),
    }
