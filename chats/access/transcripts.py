"""The entries of a chat's transcript, chained by hashes, and who may be mailed one.

An entry shows what its event said when it happened. The rows of a log never change, and neither do
earlier texts and their order, so that every transcript of a chat has the same hashes. What was
deleted since is withheld, but its hash remains (`chats.actions.transcripts`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from chatapi.api.encoding import instant
from chatapi.api.errors import not_found
from chats import representations
from chats.access.chats import live_chats
from chats.models import ChatUser, Event, EventType, Message
from chats.transcripts import chain, keys
from chats.transcripts.forms import Entry, Transcript
from companies.models import Membership

PAGE = 500
AUTHOR = ("first_name", "last_name", "role")
FIELDS = (
    "chat_id",
    "seq",
    "type",
    "created_at",
    "data",
    "content_hash",
    "message_id",
    "message__seq",
    "message__text",
    "message__edited_at",
    "message__deleted_at",
    "message__assurance",
    "message__attachments",
    "message__author_id",
    *(f"message__author__{name}" for name in AUTHOR),
    "message__reply_to_id",
    "message__reply_to__seq",
)
# The types whose content goes when the message is deleted.
WITH_TEXT = (EventType.MESSAGE_CREATED, EventType.MESSAGE_UPDATED)

Row = Mapping[str, Any]


def transcript(chat_id: int, *, for_member: bool) -> Transcript:
    """Raises ApiError 404 when the chat has been deleted."""
    chat = live_chats().select_related("company").filter(pk=chat_id).first()
    if chat is None:
        raise not_found()
    people = ChatUser.objects.filter(chat_id=chat_id, joined_at__isnull=False).order_by("pk")
    return Transcript(
        representations.chat(chat),
        chat.company.name,
        list(people.values("id", *AUTHOR)),
        chat.last_seq,
        entries(chat_id, chat.last_seq, for_member=for_member),
    )


def entries(chat_id: int, last_seq: int, *, for_member: bool) -> Iterator[Entry]:
    """The entries of a chat up to `last_seq`, read page by page.

    Only members see earlier texts of edited messages. For others they are withheld.
    """
    previous, seq = chain.START, 0
    edits: Counter[int] = Counter()  # that have been read, by message
    while seq < last_seq:
        rows = list(page(chat_id).filter(seq__gt=seq, seq__lte=last_seq)[:PAGE])
        texts = texts_of(chat_id, rows)
        if texts is None:
            continue  # a message was deleted between the two queries
        if not rows:
            return  # the chat has just been purged
        for row in rows:
            if row["type"] == EventType.MESSAGE_UPDATED:
                edits[row["message_id"]] += 1
            text, is_current = text_of(row, texts, edits)
            entry = make_entry(previous, row, text)
            previous, seq = entry.hash, entry.seq
            if not (is_current or for_member):
                entry = entry._replace(content=None, salt=None, is_earlier=True)
            yield entry


def page(chat_id: int) -> QuerySet[Event, dict[str, Any]]:
    rows: QuerySet[Event, dict[str, Any]] = Event.objects.filter(chat_id=chat_id).values(*FIELDS)
    return rows.order_by("seq")


def texts_of(chat_id: int, rows: Iterable[Row]) -> dict[int, list[str]] | None:
    """The texts of each edited message that a page is about, oldest first, the current one last.

    They are read in one statement, since each edit moves the current text to the earlier ones. None
    if one of the messages has been deleted since the page was read.
    """
    edited = {
        row["message_id"]
        for row in rows
        if row["type"] in WITH_TEXT and row["message__edited_at"] and not is_lost(row)
    }
    if not edited:
        return {}
    found: dict[int, list[str]] = {}
    current: dict[int, str] = {}
    messages = Message.objects.filter(chat_id=chat_id, pk__in=edited).order_by("revisions__pk")
    fields = ("pk", "text", "deleted_at", "revisions__text")
    for pk, text, deleted_at, earlier in messages.values_list(*fields):
        if deleted_at is not None:
            return None
        current[pk] = text
        if earlier is not None:
            found.setdefault(pk, []).append(earlier)
    return {pk: [*found.get(pk, ()), text] for pk, text in current.items()}


def text_of(
    row: Row, texts: Mapping[int, list[str]], edits: Mapping[int, int]
) -> tuple[str | None, bool]:
    """The text of a message after the edits that were read, and whether it is still its text."""
    if row["type"] not in WITH_TEXT or is_lost(row):
        return None, True
    known = texts.get(row["message_id"], [row["message__text"]])
    number = edits[row["message_id"]] if row["type"] == EventType.MESSAGE_UPDATED else 0
    number = min(number, len(known) - 1)
    return known[number], number == len(known) - 1


def is_lost(row: Row) -> bool:
    """Whether the content of the event was deleted with its message."""
    return row["type"] in WITH_TEXT and row["message__deleted_at"] is not None


def make_entry(previous: bytes, row: Row, text: str | None) -> Entry:
    chat_id, seq, created_at = row["chat_id"], row["seq"], row["created_at"]
    stored = row["content_hash"]
    salt, shown = None, None
    if stored is None:
        salt = keys.salt(chat_id, seq)
        # Of messages deleted before hashes were stored, only null is left to hash.
        shown = None if is_lost(row) else content(row, text)
        content_hash = chain.hash_content(salt, shown)
    else:
        content_hash = bytes(stored)
    entry_hash = chain.hash_entry(
        previous, chat_id, seq, row["type"], instant(created_at), content_hash
    )
    author = ""
    if row["message_id"] is not None:
        names = (row["message__author__first_name"], row["message__author__last_name"])
        author = " ".join(filter(None, names)) or row["message__author__role"]
    return Entry(
        seq,
        row["type"],
        created_at,
        shown,
        salt,
        content_hash,
        entry_hash,
        row["message__seq"],
        author,
        row["message__reply_to__seq"],
        row["message__author_id"],
    )


def content(row: Row, text: str | None) -> Any:
    """What an event said when it happened. `text` is that of the message then.

    It must stay as it is: another field for events that exist would change their hashes.
    """
    if row["message_id"] is None:
        return row["data"]
    found = {"message_id": row["message_id"], **(row["data"] or {})}
    if row["type"] in WITH_TEXT:
        files = row["message__attachments"] or ()
        found |= {
            "author_id": row["message__author_id"],
            "text": text,
            "assurance": row["message__assurance"],
            "reply_to_id": row["message__reply_to_id"],
            "attachments": [{"id": each["id"], "name": each["name"]} for each in files],
        }
    return found


# --- Recipients -----------------------------------------------------------------------------------


def may_be_mailed(chat_id: int, email: str) -> bool:
    """Whether an address may get a transcript by mail.

    It must belong to a chat user who has verified it, or to a member of the company.
    """
    verified = chat_users_to_mail(chat_id).filter(email=email)
    return verified.exists() or is_members(chat_id, email)


def is_members(chat_id: int, email: str) -> bool:
    """Whether an address is that of a member of the chat's company."""
    members = Membership.objects.live().filter(company__chats__pk=chat_id, user__is_active=True)
    return members.filter(user__email=email).exists()


def chat_users_to_mail(chat_id: int) -> QuerySet[ChatUser]:
    """The chat users whose addresses are verified."""
    active = ChatUser.objects.filter(chat_id=chat_id, status=ChatUser.Status.ACTIVE)
    return active.exclude(assurance=ChatUser.Assurance.CLAIMED)
