"""The bodies and queries of the log and of the streams."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from chatapi.api.ids import MAX_ID, parse_ids
from chats import representations
from chats.hints import MAX_PRESENT_IN, Position, parse_log_position
from chats.models import EventType
from chats.serializers.chat_users import ChatUserBriefSerializer
from chats.serializers.chats import ChatBriefSerializer
from chats.serializers.messages import MessageSerializer
from chats.serializers.notes import MentionSerializer, NoteSerializer


class PageOfEvents(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    wait = serializers.IntegerField(
        min_value=0,
        max_value=30,
        default=0,
        help_text="How many seconds to wait for the next event.",
    )


class EventsQuery(PageOfEvents):
    after = serializers.IntegerField(min_value=0, max_value=MAX_ID, default=0)


@extend_schema_field({"type": "string"})
class LogPositionField(serializers.Field[Any, Any, Any, Any]):
    """A seq, or the `last_id` of a page: how far both logs were read."""

    SEQ = serializers.IntegerField(min_value=0, max_value=MAX_ID)

    def to_internal_value(self, data: Any) -> tuple[int, int | None]:
        """The seq, and the number in the members' log if there is one."""
        found = parse_log_position(str(data))
        return (self.SEQ.run_validation(data), None) if found is None else found

    def to_representation(self, value: Any) -> Any:
        return value


START = (0, None)  # of a query without a position


class MemberEventsQuery(PageOfEvents):
    after = LogPositionField(
        required=False, help_text="A `seq` or, for members, a `last_id`. Defaults to 0."
    )


@extend_schema_field({"type": "string"})
class PositionField(serializers.Field[Any, Any, Any, Any]):
    """An event's `id` in a stream of all chats, or the `last_id` of a page."""

    NEXT_PAGE = "_next"  # appended after a full page: the next one starts right after it

    def to_internal_value(self, data: Any) -> tuple[str, Position]:
        """The id as sent, and the position at which a read misses nothing after it."""
        text = str(data)
        event_id = text.removesuffix(self.NEXT_PAGE)
        try:
            position = Position.parse(event_id)
            return event_id, position if text != event_id else position.settled
        except (ValueError, OverflowError):
            raise serializers.ValidationError("This is not a valid event id.") from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string"})
class PresentInField(serializers.Field[Any, Any, Any, Any]):
    """Ids of chats, separated by commas."""

    def to_internal_value(self, data: Any) -> tuple[int, ...]:
        found = parse_ids(str(data), MAX_PRESENT_IN)
        if found is None:
            raise serializers.ValidationError(
                f"Send at most {MAX_PRESENT_IN} chat ids, separated by commas."
            )
        return found

    def to_representation(self, value: Any) -> Any:
        return value


class AllEventsQuery(serializers.Serializer[Any]):
    after = PositionField(
        required=False, help_text="An event's `id` or a `last_id`. Defaults to now."
    )
    present_in = PresentInField(
        required=False,
        help_text="Streams only: the ids of the chats that the reader has open, separated by "
        f"commas, at most {MAX_PRESENT_IN}. The stream begins with who is connected to these "
        "chats, and the account is shown as connected in those that it has joined.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)


class ReactionSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField()
    chat_user_id = serializers.IntegerField()


class MessageWithReactionSerializer(MessageSerializer):
    """A message, and the reaction that was added or removed."""

    reaction = ReactionSerializer()


@extend_schema_field(
    PolymorphicProxySerializer(
        "EventData",
        [
            MessageWithReactionSerializer,  # before MessageSerializer, which accepts it too
            MessageSerializer,
            ChatUserBriefSerializer,
            ChatBriefSerializer,
            NoteSerializer,
            MentionSerializer,
        ],
        None,
    )
)
class EventData(serializers.DictField):
    """The subject of the event, according to its type."""


class EventSerializer(serializers.Serializer[Any]):
    """An entry of a chat's log.

    `data` is the message, chat user, chat or note that changed, or a mention.

    Messages and notes are shown in their current state, so no event contains a deleted text.
    """

    seq = serializers.IntegerField(
        help_text="The number in the chat's log. An event of the members' log has that of the "
        "event before it."
    )
    member_seq = serializers.IntegerField(
        required=False, help_text="The number in the members' log, if the event is in that log."
    )
    type = serializers.ChoiceField(EventType.choices)
    chat_id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    data = EventData()  # type: ignore[assignment]  # a field, not the property

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return representations.event(instance)


class AllEventSerializer(EventSerializer):
    """An event of one of many chats. Use its `id` to detect duplicates."""

    id = serializers.CharField(help_text="The event's id, the same on every delivery.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        event = representations.event(instance)
        return {"id": str(Position.of(event)), **event}


class AllEventsSerializer(serializers.Serializer[Any]):
    data = AllEventSerializer(many=True)  # type: ignore[assignment]  # a field, not the property
    last_id = serializers.CharField(
        help_text="Send it as `after` to get the next events. After a page that is not full, "
        "events of the last 30 seconds may be repeated."
    )


class TypingDataSerializer(serializers.Serializer[Any]):
    chat_user_id = serializers.IntegerField()
    expires_at = serializers.DateTimeField(
        help_text="When the indicator expires unless it is renewed."
    )


class ReadDataSerializer(serializers.Serializer[Any]):
    chat_user_id = serializers.IntegerField()
    seq = serializers.IntegerField(help_text="The newest event that the chat user has read.")


class PresentUserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    online = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class PresenceDataSerializer(serializers.Serializer[Any]):
    users = PresentUserSerializer(many=True)


class EphemeralSerializer(serializers.Serializer[Any]):
    """An ephemeral event: it is in no log, and has neither `id` nor `seq`."""

    chat_id = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class TypingEventSerializer(EphemeralSerializer):
    """A chat user is typing."""

    type = serializers.ChoiceField(["typing"])
    data = TypingDataSerializer()  # type: ignore[assignment]  # a field, not the property


class ReadEventSerializer(EphemeralSerializer):
    """A chat user has read messages."""

    type = serializers.ChoiceField(["read"])
    data = ReadDataSerializer()  # type: ignore[assignment]  # a field, not the property


class PresenceEventSerializer(EphemeralSerializer):
    """Chat users who connected or disconnected. The first one lists everyone who is connected."""

    type = serializers.ChoiceField(["presence"])
    data = PresenceDataSerializer()  # type: ignore[assignment]  # a field, not the property


class ByeSerializer(serializers.Serializer[Any]):
    """The last event of a stream, sent when its token is no longer valid."""

    code = serializers.ChoiceField(["invalid_token"])
    message = serializers.CharField()


STREAM_EVENT = PolymorphicProxySerializer(
    "StreamEvent",
    [
        EventSerializer,
        TypingEventSerializer,
        ReadEventSerializer,
        PresenceEventSerializer,
        ByeSerializer,
    ],
    None,
)


class EventsSerializer(serializers.Serializer[Any]):
    data = EventSerializer(many=True)  # type: ignore[assignment]  # a field, not the property
    last_seq = serializers.IntegerField(
        help_text="The chat's newest `seq`. If it is higher than that of the last event here, "
        "request the next page."
    )
    last_member_seq = serializers.IntegerField(
        required=False, help_text="The newest `member_seq`. Only for members."
    )
    last_id = serializers.CharField(
        required=False,
        help_text="Send it as `after` to get the next events of both logs. Only for members.",
    )
