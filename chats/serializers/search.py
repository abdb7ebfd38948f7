"""The query and the results of a search."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.api.cursors import CursorField
from chatapi.api.ids import MAX_ID
from chatapi.api.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE, Moment
from chatapi.text.search import Query
from chats.serializers.chats import ChatBriefSerializer
from chats.serializers.messages import MessageSerializer
from chats.serializers.notes import NoteSerializer

MAX_QUERY_LENGTH = 200


class QueryField(serializers.CharField):
    """What is searched for, as a `Query`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_QUERY_LENGTH, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        query = Query.parse(super().run_validation(data))
        if not query.words:
            raise serializers.ValidationError(_("Enter a letter or a digit to search for."))
        return query


class SearchQuery(serializers.Serializer[Any]):
    q = QueryField(help_text="Words, all of which must be in the text; the last may be incomplete.")
    company_id = serializers.CharField(
        max_length=80, required=False, help_text="The company's id or slug."
    )
    chat_id = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    author_id = serializers.IntegerField(
        min_value=1,
        max_value=MAX_ID,
        required=False,
        help_text="The author's id in the chat. A search by author finds no notes.",
    )
    before = Moment(required=False, help_text="Sent before this date or time.")
    after = Moment(required=False, help_text="Sent after this date or time.")
    order = serializers.ChoiceField(
        ["best", "newest"], default="best", help_text="`best` is the best match first."
    )
    per_page = serializers.IntegerField(
        min_value=1, max_value=MAX_PER_PAGE, default=DEFAULT_PER_PAGE
    )
    cursor = CursorField(required=False, help_text="The `next_cursor` of the page before.")

    def to_internal_value(self, data: Mapping[str, Any]) -> dict[str, Any]:
        query: dict[str, Any] = super().to_internal_value(data)
        if "cursor" in query and "order" not in data:
            query["order"] = "newest" if query["cursor"].list.endswith(" newest") else "best"
        return query


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "minItems": 2,
        "maxItems": 2,
    }
)
class RangeField(serializers.Field[Any, Any, Any, Any]):
    """A start and a length."""


class HitSerializer(serializers.Serializer[Any]):
    """A message or a note that was found, with its chat and the places in its text that match."""

    chat = ChatBriefSerializer()
    message = MessageSerializer(allow_null=True, help_text="Null if a note was found.")
    note = NoteSerializer(
        required=False, allow_null=True, help_text="Null if a message was found. Only for members."
    )
    ranges = serializers.ListField(
        child=RangeField(),
        help_text="The places in the text that match, in order and without overlaps: each a start "
        "and a length in Unicode code points.",
    )
