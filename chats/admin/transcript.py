"""A chat's log in readable form, paged by seq at the same cost at any depth."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatapi.api.ids import parse_id
from chats.models import Chat, Event, EventType, Message
from chats.transcripts import notices

PAGE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One event: a message, or a notice about something else."""

    seq: int
    at: datetime
    message: Message | None
    notice: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """Lines, oldest first. `older` and `newer` are the seqs to page from, None at either end."""

    lines: list[Line]
    older: int | None
    newer: int | None


def transcript(chat: Chat, before: str = "", after: str = "") -> Transcript:
    """The newest lines of a chat, or those before or after a seq."""
    events = (
        Event.objects.filter(chat_id=chat.pk)
        .select_related("message__author")
        .prefetch_related("message__revisions")
    )
    start, end = parse_id(after), parse_id(before)
    if start is not None:
        rows = list(events.filter(seq__gt=start).order_by("seq")[:PAGE])
    else:
        older = events if end is None else events.filter(seq__lt=end)
        rows = list(older.order_by("-seq")[:PAGE])[::-1]
    if not rows:
        return Transcript([], None, None)
    first, last = rows[0].seq, rows[-1].seq
    return Transcript(
        [line(event) for event in rows],
        older=first if first > 1 else None,
        newer=last if last < chat.last_seq else None,
    )


def line(event: Event) -> Line:
    is_message = event.type == EventType.MESSAGE_CREATED
    return Line(
        event.seq,
        event.created_at,
        event.message if is_message else None,
        "" if is_message else notice(event),
    )


def notice(event: Event) -> str:
    """An event in words."""
    data: dict[str, Any] = event.data or {}
    message = event.message
    if message is None:
        return notices.notice(event.type, data)
    return notices.notice(event.type, data, message.author.name, message.seq)
