"""Search in the messages that the caller may see."""

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
        return Response(
            {
                **frame(links, {"page": 1, **query}, render(found[:size], query), cursor),
                "first_page_url": links.plain(),
                "next_page_url": links.to("cursor", cursor) if cursor else None,
                "prev_page_url": None,
            }
        )


def render(hits: list[access.Hit], query: dict[str, Any]) -> list[dict[str, Any]]:
    """The hits, except those whose message has just been deleted or no longer matches."""
    messages = access.messages_of(hits)
    chats = access.chats_of(messages)
    found = []
    for hit in hits:
        row = messages.get(hit.id)
        if row is None or row["deleted_at"]:
            continue
        ranges = query["q"].ranges(row["text"])
        # Without ranges in the text, the name of a file may match.
        if ranges or query["q"].rank(searchable_text(row["text"], row["attachments"])) is not None:
            chat = representations.chat(chats[row["chat_id"]])
            found.append({"chat": chat, "message": representations.message(row), "ranges": ranges})
    return found
