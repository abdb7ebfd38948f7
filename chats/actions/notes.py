"""Write, edit and delete notes."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.mail import outbox
from chatapi.models import OutgoingMail
from chats import representations
from chats.actions import events, search_index
from chats.models import Chat, EventType, Note, NoteRevision
from companies.models import Membership

MENTION_MAIL_PAUSE = timedelta(minutes=10)  # between two mails to a member about a chat


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
            mentions=checked_mentions(chat, mentions),
            created_at=timezone.now(),
            terms=search_index.note_terms(chat.company_id, text),
        )
        note.save(force_insert=True)
        events.insert_of_note(
            reserved, EventType.NOTE_CREATED, note.created_at, note.pk, represent(note)
        )
        notify(note, note.mentions)
    return note


def notify(note: Note, ids: Iterable[int]) -> None:
    """Mail the members whom a note mentions, but not its author.

    After a mail about a chat, a member gets no other about it for a while: the first one leads to
    everything that follows.
    """
    others = User.objects.filter(pk__in=[each for each in ids if each != note.author_id])
    emails = list(others.order_by("pk").values_list("email", flat=True))
    since = timezone.now() - MENTION_MAIL_PAUSE
    notes = Note.objects.filter(chat_id=note.chat_id, created_at__gt=since)
    recent = OutgoingMail.objects.filter(
        kind="mention", about__in=notes.values("pk"), created_at__gt=since
    )
    mailed = set(recent.filter(to__in=emails).values_list("to", flat=True)) if emails else set()
    for email in emails:
        if email not in mailed:
            outbox.post("mention", note.pk, email)


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
        if now > note.created_at + timedelta(minutes=chat.company.edit_window_minutes):
            raise ApiError(ErrorCode.EDIT_WINDOW_OVER)
        named = note.mentions if mentions is None else checked_mentions(chat, mentions)
        if text in {None, note.text} and named == note.mentions:
            return note
        if text is not None and text != note.text:
            NoteRevision.objects.create(chat_id=chat_id, note=note, text=note.text, replaced_at=now)
            note.text, note.edited_at = text, now
            note.terms = search_index.note_terms(chat.company_id, text)
        added = set(named) - set(note.mentions)
        note.mentions = named
        note.save(update_fields=["text", "edited_at", "terms", "mentions"])
        append_event(note, EventType.NOTE_UPDATED)
        notify(note, added)
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


def checked_mentions(chat: Chat, ids: Sequence[int]) -> list[int]:
    """The distinct ids. Raises ApiError 422 when one is no member of the chat's company."""
    named = list(dict.fromkeys(ids))
    members = Membership.objects.live().filter(company_id=chat.company_id, user__in=named)
    if named and len(set(members.values_list("user_id", flat=True))) < len(named):
        sentence = "Only members of the company can be mentioned."
        raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "mentions")
    return named


def represent(note: Note) -> dict[str, Any]:
    """The public form of a note whose author is at hand."""
    row = {field: getattr(note, field) for field in representations.NOTE_COLUMNS}
    for name in representations.MEMBER_NAMES:
        row[f"author__{name}"] = getattr(note.author, name, "")
    return representations.note(row)


def append_event(note: Note, type: EventType) -> None:
    reserved = events.next_member_seq(note.chat_id)
    events.insert_of_note(reserved, type, timezone.now(), note.pk, represent(note))
