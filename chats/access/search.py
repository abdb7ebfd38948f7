"""The messages that match a search, among those that the caller may see.

The database finds the newest texts that have all terms of the query, and Python compares these
texts with the query itself, ranks them, and marks where they match. So both databases give the same
answers in the same order. Messages are ranked in blocks of the newest `BLOCK` matches: ranking all
matches of a common word would mean reading all of their texts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection
from rest_framework.request import Request

from accounts.authentication import account
from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.encoding import loads
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.ids import MAX_ID
from chatapi.db.terms import condition, fts_table
from chatapi.text.search import Query
from chats.access.chats import live_chats
from chats.models import Chat, ChatUser, ChatUserToken, Message
from chats.models.messages import searchable_text
from chats.representations import MESSAGE_FIELDS
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
    return Scope(company_ids, chat_id)


class Block(NamedTuple):
    """The newest and the oldest id of the messages that are ranked together."""

    newest: int
    oldest: int


class Hit(NamedTuple):
    """A message that matches, and the block that it was ranked in."""

    newest: int
    oldest: int
    rank: int
    id: int


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
    ranked = query["order"] == "best"
    newest = MAX_ID
    if after is not None and ranked:
        # The same block again, even if messages have been deleted from it.
        found = candidates(scope, query, Block(after.newest, after.oldest))
        place = after.rank, after.id
        yield from (hit for hit in rank(found, query) if (hit.rank, hit.id) < place)
        newest = after.oldest - 1
    elif after is not None:
        newest = after.id - 1
    for _ in range(MAX_BLOCKS):
        found = candidates(scope, query, Block(newest, 0))
        yield from rank(found, query)
        if len(found) < BLOCK:
            return
        newest = found[-1][0] - 1
    raise ApiError(ErrorCode.QUERY_TIMEOUT)


def rank(block: list[tuple[int, str]], query: Mapping[str, Any]) -> list[Hit]:
    """The hits in a block, in the order of the query."""
    wanted: Query = query["q"]
    ranked = query["order"] == "best"
    found = []
    for message_id, text in block:
        rank = wanted.rank(text)
        if rank is not None:
            found.append(Hit(block[0][0], block[-1][0], rank if ranked else 0, message_id))
    if ranked:
        found.sort(key=lambda hit: (-hit.rank, -hit.id))
    return found


def candidates(scope: Scope, query: Mapping[str, Any], block: Block) -> list[tuple[int, str]]:
    """The ids and texts of the newest messages with all terms, from one id down to another.

    Terms are the start of a comparison: they can be out of date, and they have no order.
    """
    if not scope.company_ids:
        return []
    on_postgresql = connection.vendor == "postgresql"
    tables = "chats_message m JOIN chats_chat c ON c.id = m.chat_id"
    # In one chat, ids have the order of seqs, for which there is an index.
    order = "m.seq" if scope.chat_id is not None and on_postgresql else "m.id"
    # A chat's index is enough to find its messages.
    among = scope.company_ids if scope.chat_id is None else []
    matches = "m.terms @@ %s::tsquery"
    if not on_postgresql:
        fts = fts_table("chats_message", "terms")
        tables = f"{fts} f CROSS JOIN chats_message m ON m.id = f.rowid JOIN chats_chat c"
        tables += " ON c.id = m.chat_id"
        matches, order = f"{fts} MATCH %s", "f.rowid"
    conditions: list[tuple[str, Any]] = [(matches, condition(query["q"].terms(), among))]
    row_id = "m.id" if on_postgresql else "f.rowid"
    conditions += [(f"{row_id} <= %s", block.newest), (f"{row_id} >= %s", block.oldest)]
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
        f"SELECT m.id, m.text, m.attachments FROM {tables} WHERE {where}"  # noqa: S608
        f" AND c.company_id IN ({places})"
        f" AND m.deleted_at IS NULL AND c.deleted_at IS NULL ORDER BY {order} DESC LIMIT {BLOCK}"
    )
    with connection.cursor() as cursor:
        if on_postgresql:
            # A plan for any query would be a bad one for nearly every query.
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        cursor.execute(sql, [*(value for _, value in conditions), *scope.company_ids])
        rows = cursor.fetchall()
    return [
        (row_id, searchable_text(text, loads(stored) if stored else None))
        for row_id, text, stored in rows
    ]


def messages_of(hits: list[Hit]) -> dict[int, dict[str, Any]]:
    """The messages of hits, as rows of MESSAGE_FIELDS by id."""
    rows = Message.objects.filter(pk__in=[hit.id for hit in hits]).values(*MESSAGE_FIELDS)
    return {row["id"]: row for row in rows}


def chats_of(messages: Mapping[int, Mapping[str, Any]]) -> dict[int, Chat]:
    """The chats of messages, by id."""
    return Chat.objects.in_bulk({row["chat_id"] for row in messages.values()})
