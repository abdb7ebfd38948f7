"""The terms of new messages and notes for searches, and of messages that have none yet."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, JSONField, QuerySet, Value

from chatapi.db.terms import scope_term
from chatapi.text.search import terms
from chats.models import Message, Note
from chats.models.messages import searchable_text

BATCH = 1_000


Names = Iterable[Mapping[str, Any]] | None


def message_terms(company_id: int, text: str, attachments: Names = None) -> str:
    return " ".join((*terms(searchable_text(text, attachments)), scope_term(company_id)))


def fill(model: type[Message] | type[Note] = Message, *, again: bool = False) -> Iterator[int]:
    """Make the terms of messages or notes that have none, newest first; with `again`, of all.

    Yields the number of rows after each batch. If it is interrupted, what is done stays done, and
    without `again`, a later call continues there.
    """
    rows: QuerySet[Any] = model._default_manager.filter(deleted_at=None).order_by("-pk")
    if not again:
        rows = rows.filter(terms=None)
    files = F("attachments") if model is Message else Value(None, output_field=JSONField())
    columns = ("pk", "text", files, "chat__company_id")
    batch = list(rows.values_list(*columns)[:BATCH])
    while batch:
        with transaction.atomic():
            for pk, text, attachments, company_id in batch:
                # If it has been edited meanwhile, the edit has written its terms.
                unchanged = model._default_manager.filter(pk=pk, text=text, deleted_at=None)
                unchanged.update(terms=message_terms(company_id, text, attachments))
        yield len(batch)
        older = rows.filter(pk__lt=batch[-1][0])
        batch = list(older.values_list(*columns)[:BATCH])
