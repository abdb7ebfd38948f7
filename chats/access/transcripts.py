"""The entries of a chat's transcript, chained by hashes, and who may be mailed one.

An entry shows what its event said when it happened. The rows of a log never change, and neither do
earlier texts and their order, so that every transcript of a chat has the same hashes. What was
deleted since is withheld, but its hash remains (`chats.actions.transcripts`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet

from chatapi.api.encoding import instant
from chatapi.api.errors import not_found
from chats import representations
from chats.access.chats import live_chats
from chats.models import Chat, ChatUser, Event, EventType, Message, MessageRevision
from chats.transcripts import chain, keys
from chats.transcripts.forms import Entry, Transcript
from companies.access.members import member_id

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
        texts = texts_of(chat_id, rows, edits)
        if texts is None:
            continue  # a message was deleted between the two queries
        if not rows:
            raise not_found()  # the chat has just been purged
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


class Texts(NamedTuple):
    """The texts of edited messages: at each number of edits that a page needs, and the last number.

    A message that is not in `edits` was not edited.
    """

    at: Mapping[tuple[int, int], str]
    edits: Mapping[int, int]


def texts_of(chat_id: int, rows: Iterable[Row], edits: Mapping[int, int]) -> Texts | None:
    """The texts that a page needs. `edits` were before it, by message.

    None if a message has been deleted since the page was read. The current texts are read before
    the earlier ones, to which an edit in between moves a current one.
    """
    needed: dict[int, list[int]] = {}
    for row in rows:
        if row["type"] in WITH_TEXT and row["message__edited_at"] and not is_lost(row):
            pk = row["message_id"]
            numbers = needed.setdefault(pk, [])
            is_edit = row["type"] == EventType.MESSAGE_UPDATED
            numbers.append((numbers[-1] if numbers else edits[pk]) + 1 if is_edit else 0)
    if not needed:
        return Texts({}, {})
    messages = Message.objects.filter(chat_id=chat_id, pk__in=needed, deleted_at=None)
    current = dict(messages.values_list("pk", "text"))
    # Only ids at first: a message can have many earlier texts, of which a page needs few.
    earlier: dict[int, list[int]] = {pk: [] for pk in needed}
    revisions = MessageRevision.objects.filter(chat_id=chat_id, message__in=needed)
    for pk, revision in revisions.order_by("pk").values_list("message_id", "pk"):
        earlier[pk].append(revision)
    wanted = {
        earlier[pk][number]: (pk, number)
        for pk, numbers in needed.items()
        for number in numbers
        if number < len(earlier[pk])
    }
    read = MessageRevision.objects.filter(pk__in=wanted).values_list("pk", "text")
    at = {wanted[revision]: text for revision, text in read}
    if messages.count() < len(needed):
        return None
    last = {pk: len(revisions) for pk, revisions in earlier.items()}
    return Texts(at | {(pk, last[pk]): text for pk, text in current.items()}, last)


def text_of(row: Row, texts: Texts, edits: Mapping[int, int]) -> tuple[str | None, bool]:
    """The text of a message after the edits that were read, and whether it is still its text."""
    if row["type"] not in WITH_TEXT or is_lost(row):
        return None, True
    pk = row["message_id"]
    if pk not in texts.edits:
        return row["message__text"], True
    last = texts.edits[pk]
    number = min(edits[pk] if row["type"] == EventType.MESSAGE_UPDATED else 0, last)
    return texts.at[pk, number], number == last


def is_lost(row: Row) -> bool:
    """Return whether the event's content was deleted together with its message."""
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
    """What an event said when it happened. `text` is the message's text at that time.

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
    """Return whether a transcript may be mailed to an address.

    It must belong to a guest who has verified it, or to a member of the company.
    """
    verified = chat_users_to_mail(chat_id).filter(email=email)
    return verified.exists() or is_members(chat_id, email)


def is_members(chat_id: int, email: str) -> bool:
    """Return whether an address belongs to a member of the chat's company."""
    company_id = Chat.objects.filter(pk=chat_id).values_list("company_id", flat=True).first()
    return company_id is not None and member_id(company_id, email) is not None


def chat_users_to_mail(chat_id: int) -> QuerySet[ChatUser]:
    """The guests whose addresses are verified. Of agents, the membership counts."""
    return ChatUser.objects.filter(
        chat_id=chat_id,
        status=ChatUser.Status.ACTIVE,
        role=ChatUser.Role.GUEST,
        assurance=ChatUser.Assurance.EMAIL_VERIFIED,
    )
