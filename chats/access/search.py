"""The messages and notes that match a search, among those that the caller may see.

The database finds the newest texts that have all terms of the query, and Python compares these
texts with the query itself, ranks them, and marks where they match. So both databases give the same
answers in the same order. Messages are ranked in blocks of the newest `BLOCK` matches: ranking all
matches of a common word would mean reading all of their texts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from accounts.authentication import account
from chatapi.api.cursors import EPOCH, MICROSECOND, NUMBER, Ordering
from chatapi.api.encoding import loads
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.ids import MAX_ID
from chatapi.db.terms import condition, fts_table
from chatapi.text.search import Query
from chats.access.chats import live_chats
from chats.models import Chat, ChatUser, ChatUserToken, Message, Note
from chats.models.messages import searchable_text
from chats.representations import MESSAGE_FIELDS, NOTE_FIELDS
from companies.access.companies import by_id_or_slug, companies_for
from companies.models import Company

BLOCK = 250  # a page and one more fit into it
# The number that a request reads: more than one only if texts have the terms, but not the words.
MAX_BLOCKS = 40


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: one chat, or all chats of companies. Without companies, nothing."""

    company_ids: list[int]
    chat_id: int | None = None
    with_notes: bool = False  # for members


def scope(request: Request, query: Mapping[str, Any]) -> Scope:
    """The chats that the caller may see, narrowed by `chat_id`, `company_id` and `author_id`.

    Raises ApiError 403 `other_chat` when a chat-user token names another chat, 422 when a member
    names a chat of other companies. As in the list of chats, another company has no chats.
    """
    chat_id, company = query.get("chat_id"), query.get("company_id")
    if isinstance(request.auth, ChatUserToken):
        if chat_id not in {None, request.auth.chat_id}:
            raise ApiError(ErrorCode.OTHER_CHAT)
        chat_id = request.auth.chat_id
        companies = Company.objects.live().filter(chats__pk=chat_id)
    else:
        companies = companies_for(account(request))
        if chat_id is not None:
            visible = live_chats().filter(pk=chat_id, company__in=companies.values("pk"))
            if not visible.exists():
                sentence = "You can see no chat with this id."
                raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "chat_id")
    if company is not None:
        companies = companies.filter(by_id_or_slug(company))
    company_ids = list(companies.values_list("pk", flat=True))
    if "author_id" in query:
        # An author is in one chat, which an index finds.
        found = ChatUser.objects.filter(pk=query["author_id"]).values_list("chat_id", flat=True)
        author_chat_id = found.first()
        if author_chat_id is None or chat_id not in {None, author_chat_id}:
            return Scope([])
        chat_id = author_chat_id
    return Scope(company_ids, chat_id, not isinstance(request.auth, ChatUserToken))


class Block(NamedTuple):
    """Which messages and notes are ranked together: the newest and the oldest id of each."""

    newest: int
    oldest: int
    newest_note: int
    oldest_note: int


class Candidate(NamedTuple):
    """A message or a note that has all terms. `at` is its time in microseconds since 1970."""

    at: int
    is_note: bool
    id: int
    text: str


class Hit(NamedTuple):
    """A message or a note that matches, and the block that it was ranked in."""

    newest: int
    oldest: int
    newest_note: int
    oldest_note: int
    rank: int
    at: int
    is_note: int
    id: int

    @property
    def block(self) -> Block:
        return Block(*self[:4])

    @property
    def place(self) -> tuple[int, ...]:
        """Its place in the block. Greater ones come first."""
        return self[4:]


POSITION = dict.fromkeys(Hit._fields, NUMBER)


def ordering(order: str) -> Ordering:
    return Ordering(f"search {order}", POSITION)


def page(scope: Scope, query: Mapping[str, Any]) -> list[Hit]:
    """The hits of a page and one more, in the order of the query. Use it as an expensive read.

    Raises ApiError 422 `query_timeout` when too many texts have the terms, but not the words.
    """
    after = None
    if "cursor" in query:
        position = ordering(query["order"]).position({**query, "order": "desc"})
        after = Hit(*position)
    return list(islice(hits(scope, query, after), query["per_page"] + 1))


def hits(scope: Scope, query: Mapping[str, Any], after: Hit | None) -> Iterator[Hit]:
    """The hits after one, block by block."""
    # Nothing about notes is in the cursors of guests.
    block = Block(MAX_ID, 0, MAX_ID if scope.with_notes else 0, 0)
    if after is not None:
        # The same block again, even if messages have been deleted from it.
        found = candidates(scope, query, after.block)
        yield from (hit for hit in rank(found, after.block, query) if hit.place < after.place)
        block = older_than(after.block)
    for _ in range(MAX_BLOCKS):
        found = candidates(scope, query, block)
        block = bounds(found, block)
        yield from rank(found, block, query)
        if len(found) < BLOCK:
            return
        block = older_than(block)
    raise ApiError(ErrorCode.QUERY_TIMEOUT)


def bounds(found: list[Candidate], block: Block) -> Block:
    """The block of these, which were found in a larger one."""
    messages = bounds_of(MESSAGES, found, block.newest)
    return Block(*messages, *bounds_of(NOTES, found, block.newest_note))


def bounds_of(source: "Source", found: list[Candidate], newest: int) -> tuple[int, int]:
    ids = [each.id for each in found if each.is_note == source.is_note]
    if ids:
        return max(ids), min(ids)
    if newest == MAX_ID:
        # What is written later must not be on a later page.
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {source.table}")  # noqa: S608
            newest = cursor.fetchone()[0]
    return newest, newest + 1


def older_than(block: Block) -> Block:
    return Block(block.oldest - 1, 0, block.oldest_note - 1, 0)


def rank(found: list[Candidate], block: Block, query: Mapping[str, Any]) -> list[Hit]:
    """The hits in a block, in the order of the query."""
    wanted: Query = query["q"]
    ranked = query["order"] == "best"
    ranks = ((each, wanted.rank(each.text)) for each in found)
    shown = [
        Hit(*block, rank if ranked else 0, each.at, int(each.is_note), each.id)
        for each, rank in ranks
        if rank is not None
    ]
    shown.sort(key=lambda hit: hit.place, reverse=True)
    return shown


def candidates(scope: Scope, query: Mapping[str, Any], block: Block) -> list[Candidate]:
    """The newest messages and notes with all terms in a block.

    Terms are the start of a comparison: they can be out of date, and they have no order.
    """
    if not scope.company_ids:
        return []
    if connection.vendor == "postgresql":
        # A plan for any query would be a bad one for nearly every query.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    messages = rows(MESSAGES, scope, query, block.newest, block.oldest)
    if not scope.with_notes or "author_id" in query:
        return messages
    notes = rows(NOTES, scope, query, block.newest_note, block.oldest_note)
    # The order of ids, by which blocks are bounded, is kept where it is not that of the times.
    return list(islice(merge(messages, notes, reverse=True), BLOCK))


class Source(NamedTuple):
    """A table that is searched."""

    table: str
    number: str  # has the order of ids in a chat, and an index
    files: str
    is_note: bool


MESSAGES = Source("chats_message", "seq", "m.attachments", False)
NOTES = Source("chats_note", "member_seq", "NULL", True)


def rows(
    source: Source, scope: Scope, query: Mapping[str, Any], newest: int, oldest: int
) -> list[Candidate]:
    """The newest rows of a table with all terms, from one id down to another."""
    on_postgresql = connection.vendor == "postgresql"
    tables = f"{source.table} m JOIN chats_chat c ON c.id = m.chat_id"
    order = f"m.{source.number}" if scope.chat_id is not None and on_postgresql else "m.id"
    # A chat's index is enough to find its messages.
    among = scope.company_ids if scope.chat_id is None else []
    matches = "m.terms @@ %s::tsquery"
    if not on_postgresql:
        fts = fts_table(source.table, "terms")
        tables = f"{fts} f CROSS JOIN {source.table} m ON m.id = f.rowid JOIN chats_chat c"
        tables += " ON c.id = m.chat_id"
        matches, order = f"{fts} MATCH %s", "f.rowid"
    conditions: list[tuple[str, Any]] = [(matches, condition(query["q"].terms(), among))]
    row_id = "m.id" if on_postgresql else "f.rowid"
    conditions += [(f"{row_id} <= %s", newest), (f"{row_id} >= %s", oldest)]
    if scope.chat_id is not None:
        conditions.append(("m.chat_id = %s", scope.chat_id))
    if "author_id" in query:
        conditions.append(("m.author_id = %s", query["author_id"]))
    for name, operator in (("before", "<"), ("after", ">")):
        if name in query:
            moment = connection.ops.adapt_datetimefield_value(query[name])
            conditions.append((f"m.created_at {operator} %s", moment))
    places = ", ".join(["%s"] * len(scope.company_ids))
    where = " AND ".join(condition for condition, _ in conditions)
    sql = (
        f"SELECT m.created_at, m.id, m.text, {source.files} FROM {tables}"  # noqa: S608
        f" WHERE {where} AND c.company_id IN ({places})"
        f" AND m.deleted_at IS NULL AND c.deleted_at IS NULL ORDER BY {order} DESC LIMIT {BLOCK}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(value for _, value in conditions), *scope.company_ids])
        found = cursor.fetchall()
    return [
        Candidate(
            microseconds(at),
            source.is_note,
            row_id,
            searchable_text(text, loads(stored) if stored else None),
        )
        for at, row_id, text, stored in found
    ]


def microseconds(at: datetime | str) -> int:
    """A time as the database returns it, in microseconds since 1970."""
    moment = at if isinstance(at, datetime) else parse_datetime(at)
    assert moment is not None
    return (moment.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def messages_of(hits: list[Hit]) -> dict[int, dict[str, Any]]:
    """The messages of hits, as rows of MESSAGE_FIELDS by id."""
    ids = [hit.id for hit in hits if not hit.is_note]
    rows = Message.objects.filter(pk__in=ids).values(*MESSAGE_FIELDS)
    return {row["id"]: row for row in rows}


def notes_of(hits: list[Hit]) -> dict[int, dict[str, Any]]:
    """The notes of hits, as rows of NOTE_FIELDS by id."""
    ids = [hit.id for hit in hits if hit.is_note]
    rows = Note.objects.filter(pk__in=ids).values(*NOTE_FIELDS) if ids else []
    return {row["id"]: row for row in rows}


def chats_of(rows: Iterable[Mapping[str, Any]]) -> dict[int, Chat]:
    """The chats of messages and notes, by id."""
    return Chat.objects.in_bulk({row["chat_id"] for row in rows})
