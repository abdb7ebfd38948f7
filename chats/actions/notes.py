"""Write, edit and delete notes."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chats import representations
from chats.actions import events, search_index
from chats.actions import mentions as mention_actions
from chats.actions.messages import require_in_window
from chats.models import EventType, Note, NoteRevision


def create(chat_id: int, author: User, text: str, mentions: Sequence[int] = ()) -> Note:
    """Write a note, in closed chats too. Raises ApiError 422 when a mentioned account is no member
    of the company, 404 for a deleted chat."""
    with transaction.atomic():
        chat = events.lock_chat(chat_id)
        reserved = events.next_member_seq(chat_id)
        note = Note(
            chat_id=chat_id,
            member_seq=reserved.member_seq,
            seq=reserved.seq,
            author=author,
            text=text,
            mentions=mention_actions.checked(chat.company_id, mentions),
            created_at=timezone.now(),
            terms=search_index.message_terms(chat.company_id, text),
        )
        note.save(force_insert=True)
        events.insert_for_members(
            reserved, EventType.NOTE_CREATED, note.created_at, represent(note), note_id=note.pk
        )
        mention_actions.in_note(note, note.mentions)
    return note


def edit(
    chat_id: int,
    note_id: int,
    author: User,
    *,
    text: str | None = None,
    mentions: Sequence[int] | None = None,
) -> Note:
    """Replace the text of a note, its mentions, or both.

    Members can see the earlier text. Raises ApiError 403 when `author` did not write it, or it is
    deleted or too old; 404 when it does not exist; 422 as `create` does.
    """
    with transaction.atomic():
        chat = events.lock_chat(chat_id)
        note = get(chat_id, note_id)
        require_author(note, author)
        if note.deleted_at is not None:
            raise ApiError(ErrorCode.MESSAGE_DELETED)
        now = timezone.now()
        require_in_window(chat, note.created_at, now)
        named = (
            note.mentions
            if mentions is None
            else mention_actions.checked(chat.company_id, mentions)
        )
        if text in {None, note.text} and named == note.mentions:
            return note
        if text is not None and text != note.text:
            NoteRevision.objects.create(chat_id=chat_id, note=note, text=note.text, replaced_at=now)
            note.text = text
            note.terms = search_index.message_terms(chat.company_id, text)
        note.edited_at = now
        added = set(named) - set(note.mentions)
        note.mentions = named
        note.save(update_fields=["text", "edited_at", "terms", "mentions"])
        append_event(note, EventType.NOTE_UPDATED)
        mention_actions.in_note(note, added)
    return note


def delete(chat_id: int, note_id: int, author: User | None) -> Note:
    """Reduce a note to a tombstone, without its text and earlier texts. Idempotent.

    `author` is the member who deletes it, None for a manager. Raises ApiError 403 when they did not
    write it.
    """
    with transaction.atomic():
        events.lock_chat(chat_id)
        note = get(chat_id, note_id)
        if author is not None:
            require_author(note, author)
        if note.deleted_at is None:
            note.text, note.mentions, note.terms = "", [], None
            note.deleted_at = timezone.now()
            note.save(update_fields=["text", "mentions", "terms", "deleted_at"])
            note.revisions.all().delete()
            append_event(note, EventType.NOTE_DELETED)
    return note


def get(chat_id: int, note_id: int) -> Note:
    """A note with its author. Raises ApiError 404."""
    note = Note.objects.select_related("author").filter(chat_id=chat_id, pk=note_id).first()
    if note is None:
        raise not_found()
    return note


def require_author(note: Note, user: User) -> None:
    if note.author_id != user.pk:
        raise ApiError(ErrorCode.NOT_AUTHOR)


def represent(note: Note) -> dict[str, Any]:
    """The public form of a note whose author is at hand."""
    row = {field: getattr(note, field) for field in representations.NOTE_COLUMNS}
    for name in representations.MEMBER_NAMES:
        row[f"author__{name}"] = getattr(note.author, name, "")
    return representations.note(row)


def append_event(note: Note, type: EventType) -> None:
    reserved = events.next_member_seq(note.chat_id)
    events.insert_for_members(reserved, type, timezone.now(), represent(note), note_id=note.pk)
