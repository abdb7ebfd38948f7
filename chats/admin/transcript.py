"""A chat's log and its notes in readable form, paged by seq at the same cost at any depth."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatapi.api.ids import parse_id
from chats.models import Chat, Event, EventType, Message, Note
from chats.transcripts import notices

PAGE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One event, a message or a notice about something else; or a note."""

    seq: int
    at: datetime
    message: Message | None
    notice: str
    note: Note | None = None


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
    notes = notes_after(chat, rows)
    lines = [each for event in rows for each in (line(event), *notes[event.seq])]
    return Transcript(
        lines,
        older=first if first > 1 else None,
        newer=last if last < chat.last_seq else None,
    )


def notes_after(chat: Chat, events: list[Event]) -> dict[int, list[Line]]:
    """The notes that were written after each of these events, by seq."""
    found: dict[int, list[Line]] = {event.seq: [] for event in events}
    notes = Note.objects.filter(chat_id=chat.pk, seq__in=found).order_by("member_seq")
    for note in notes.select_related("author").prefetch_related("revisions"):
        found[note.seq].append(Line(note.seq, note.created_at, None, "", note))
    return found


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
