"""What the API is asked for: query strings."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chatapi.api.ids import MAX_ID, parse_ids
from chatapi.api.pagination import NewestFirstQuery
from chats.hints import MAX_PRESENT_IN, Position
from chats.models import Chat


class ChatsQuery(NewestFirstQuery):
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    q = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="In the name or external_id."
    )
    company_id = serializers.CharField(max_length=80, required=False, help_text="Id or slug.")
    external_id = serializers.CharField(max_length=200, required=False)


class MessagesQuery(NewestFirstQuery):
    before_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    after_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    around_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)

    ANCHORS = ("before_seq", "after_seq", "around_seq")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("cursor", *self.ANCHORS) if name in attrs]
        if len(given) > 1:
            raise serializers.ValidationError({given[1]: f"Not together with {given[0]}."})
        return attrs


class EventsQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=MAX_ID, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    wait = serializers.IntegerField(
        min_value=0, max_value=30, default=0, help_text="Seconds to wait for the next event."
    )


@extend_schema_field({"type": "string"})
class PlaceField(serializers.Field[Any, Any, Any, Any]):
    """An event's `id` in a stream of many chats, or the `last_id` of a page."""

    GOES_ON = "_next"  # a page was full: the next one begins right after it

    def to_internal_value(self, data: Any) -> tuple[str, Position]:
        """The id that was sent, and where a read begins that misses nothing after it."""
        text = str(data)
        event_id = text.removesuffix(self.GOES_ON)
        try:
            place = Position.parse(event_id)
            return event_id, place if text != event_id else place.settled
        except (ValueError, OverflowError):
            raise serializers.ValidationError("This is no id of an event.") from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string"})
class PresentInField(serializers.Field[Any, Any, Any, Any]):
    """Ids of chats, separated by commas."""

    def to_internal_value(self, data: Any) -> tuple[int, ...]:
        found = parse_ids(str(data), MAX_PRESENT_IN)
        if found is None:
            raise serializers.ValidationError(
                f"Send at most {MAX_PRESENT_IN} ids of chats, separated by commas."
            )
        return found

    def to_representation(self, value: Any) -> Any:
        return value


class AllEventsQuery(serializers.Serializer[Any]):
    after = PlaceField(required=False, help_text="An event's id, or a `last_id`; without it, now.")
    present_in = PresentInField(
        required=False,
        help_text="For streams: the ids of the chats that the reader has open, separated by "
        f"commas, at most {MAX_PRESENT_IN}. The stream begins with who is connected to these, and "
        "in those that the account has joined it is shown as connected.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
