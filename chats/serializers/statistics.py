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
    after = Moment(required=False, help_text="From when on; 30 days before the end unless given.")
    before = Moment(required=False, help_text="Until when; now unless given.")
    timezone = serializers.CharField(
        default="UTC", max_length=64, help_text="Of IANA, whose days and hours are counted."
    )

    def validate_timezone(self, name: str) -> ZoneInfo:
        if name not in timezones():
            raise serializers.ValidationError("This is no time zone like Europe/Berlin.")
        return ZoneInfo(name)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("after", "before"):
            # A year at the edge of the calendar may leave it in another time zone.
            if name in attrs and not 1970 <= attrs[name].year <= 2200:
                raise serializers.ValidationError({name: "Years are from 1970 to 2200."})
        attrs.setdefault("before", timezone.now())
        attrs.setdefault("after", attrs["before"] - timedelta(days=30))
        if attrs["after"] >= attrs["before"]:
            raise serializers.ValidationError({"after": "It must be before the end."})
        if attrs["before"] - attrs["after"] > timedelta(days=MAX_DAYS):
            raise serializers.ValidationError({"after": f"At most {MAX_DAYS} days at once."})
        return attrs


class DaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    chats = serializers.IntegerField(help_text="That were opened.")
    messages = serializers.IntegerField(help_text="That were sent.")


class FirstAnswerSerializer(serializers.Serializer[Any]):
    median_seconds = serializers.FloatField(
        allow_null=True,
        help_text="From a chat's first message of a guest to the first one of an agent after it.",
    )
    answered = serializers.IntegerField(help_text="Chats of this time that were answered.")
    unanswered = serializers.IntegerField(help_text="Chats that a guest wrote in, and nobody else.")


class StatisticsSerializer(serializers.Serializer[Any]):
    """Of a company's chats, in a time. Deleted chats are left out."""

    after = serializers.DateTimeField()
    before = serializers.DateTimeField()
    timezone = serializers.CharField()
    days = DaySerializer(many=True)
    first_answer = FirstAnswerSerializer(source="*")
    open_chats = serializers.IntegerField(help_text="Now.")
    hours = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Messages of guests: seven weekdays, Monday first, of 24 hours each.",
    )
