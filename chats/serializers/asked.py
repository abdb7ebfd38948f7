"""What the API is asked for: query strings."""

from typing import Any

from rest_framework import serializers

from chatapi.ids import MAX_ID
from chatapi.pagination import NewestFirstQuery
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
        given = [name for name in self.ANCHORS if name in attrs]
        if len(given) > 1:
            raise serializers.ValidationError({given[1]: f"Not together with {given[0]}."})
        return attrs


class EventsQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=MAX_ID, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    wait = serializers.IntegerField(
        min_value=0, max_value=30, default=0, help_text="Seconds to wait for the next event."
    )
