"""The notes of a chat. Only members may see them."""

from typing import Any

from django.db.models import QuerySet

from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chats.models import Note
from chats.representations import NOTE_FIELDS


def ordering(chat_id: int) -> Ordering:
    return Ordering(f"notes {chat_id}", {"member_seq": NUMBER})


def notes(chat_id: int) -> QuerySet[Note, dict[str, Any]]:
    """The notes of a chat as rows of NOTE_FIELDS."""
    rows: QuerySet[Note, dict[str, Any]] = Note.objects.filter(chat_id=chat_id).values(*NOTE_FIELDS)
    return rows


def get_note(chat_id: int, reference: str) -> dict[str, Any]:
    """A note of a chat. Raises ApiError 404 when it has no such note."""
    number = parse_id(reference)
    found = notes(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return dict(found)
