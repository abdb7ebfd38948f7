"""The query and the answer of a company's statistics."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from chatapi.api.pagination import Moment
from chats.access.statistics import MAX_DAYS
from companies.hours import timezones


class StatisticsQuery(serializers.Serializer[Any]):
    after = Moment(
        required=False, help_text="Start of the period. Defaults to 30 days before its end."
    )
    before = Moment(required=False, help_text="End of the period. Defaults to now.")
    timezone = serializers.CharField(
        default="UTC",
        max_length=64,
        help_text="The IANA time zone in which days and hours are counted.",
    )

    def validate_timezone(self, name: str) -> ZoneInfo:
        if name not in timezones():
            raise serializers.ValidationError("Enter a time zone like Europe/Berlin.")
        return ZoneInfo(name)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("after", "before"):
            # A year at the edge of the calendar may leave it in another time zone.
            if name in attrs and not 1970 <= attrs[name].year <= 2200:
                raise serializers.ValidationError({name: "The year must be between 1970 and 2200."})
        attrs.setdefault("before", timezone.now())
        attrs.setdefault("after", attrs["before"] - timedelta(days=30))
        if attrs["after"] >= attrs["before"]:
            raise serializers.ValidationError({"after": "The start must be before the end."})
        if attrs["before"] - attrs["after"] > timedelta(days=MAX_DAYS):
            raise serializers.ValidationError(
                {"after": f"The period can have at most {MAX_DAYS} days."}
            )
        return attrs


class DaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    chats = serializers.IntegerField(help_text="The number of chats created that day.")
    messages = serializers.IntegerField(help_text="The number of messages sent that day.")


class FirstAnswerSerializer(serializers.Serializer[Any]):
    median_seconds = serializers.FloatField(
        allow_null=True,
        help_text="The median time from a chat's first guest message to the first agent message "
        "after it.",
    )
    answered = serializers.IntegerField(help_text="Chats of the period that were answered.")
    unanswered = serializers.IntegerField(help_text="Chats in which only guests have written.")


class StatisticsSerializer(serializers.Serializer[Any]):
    """Statistics of a company's chats in a period. Deleted chats are not counted."""

    after = serializers.DateTimeField()
    before = serializers.DateTimeField()
    timezone = serializers.CharField()
    days = DaySerializer(many=True)
    first_answer = FirstAnswerSerializer(source="*")
    open_chats = serializers.IntegerField(help_text="The number of chats that are open now.")
    hours = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Guest messages by weekday, Monday first, and hour: seven lists of 24 numbers.",
    )
