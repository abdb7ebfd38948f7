"""Search in the messages and notes that the caller may see."""

from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.pagination import Links, frame
from chatapi.api.policies import Policy, by_token
from chatapi.api.views import ApiViewSet
from chats import representations
from chats.access import search as access
from chats.models.messages import searchable_text
from chats.schema import search as schema
from chats.serializers.search import SearchQuery
from chats.views.base import EITHER

SEARCH = by_token("SEARCH")
Hits = list[Any]  # `list` is shadowed by the route below


@schema.search
class SearchViewSet(ApiViewSet):
    policies: ClassVar = {"list": Policy(EITHER, (IsAuthenticated,), (SEARCH,))}

    def list(self, request: Request) -> Response:
        query = self.query(SearchQuery)
        scope = access.scope(request, query)
        with self.expensive(True):
            found = access.page(scope, query)
        size = query["per_page"]
        cursor = None
        if len(found) > size:
            last = found[size - 1]._asdict()
            cursor = access.ordering(query["order"]).cursor(last, {"order": "desc"})
        links = Links(request, query, {"cursor"})
        shown = render(found[:size], query, scope.with_notes)
        return Response(
            {
                **frame(links, {"page": 1, **query}, shown, cursor),
                "first_page_url": links.plain(),
                "next_page_url": links.to("cursor", cursor) if cursor else None,
                "prev_page_url": None,
            }
        )


def render(hits: Hits, query: dict[str, Any], with_notes: bool) -> Hits:
    """The hits, except those that have just been deleted or no longer match."""
    messages, notes = access.messages_of(hits), access.notes_of(hits)
    chats = access.chats_of([*messages.values(), *notes.values()])
    found = []
    for hit in hits:
        row = (notes if hit.is_note else messages).get(hit.id)
        if row is None or row["deleted_at"]:
            continue
        ranges = query["q"].ranges(row["text"])
        # Without ranges in the text, the name of a file may match.
        text = searchable_text(row["text"], row.get("attachments"))
        if ranges or query["q"].rank(text) is not None:
            shown: dict[str, Any] = {"chat": representations.chat(chats[row["chat_id"]])}
            shown["message"] = None if hit.is_note else representations.message(row)
            if with_notes:
                shown["note"] = representations.note(row) if hit.is_note else None
            found.append({**shown, "ranges": ranges})
    return found
