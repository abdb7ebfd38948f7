"""Fields that accept email addresses, origins and opening hours."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.addresses import parse_email
from companies import hours
from companies.origins import normalize_origin

MAX_ORIGIN = 300
RANGE = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
DAY = {
    "type": "array",
    "maxItems": hours.MAX_RANGES,
    "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": RANGE},
}


class EmailField(serializers.EmailField):
    """An email address, in normal form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return parse_email(super().to_internal_value(data))
        except DjangoValidationError:
            self.fail("invalid")


class OriginField(serializers.CharField):
    """`https://example.com` or `http://example.com:8080`, in normal form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_ORIGIN, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if len(text) > MAX_ORIGIN:
            return text  # too long: the validator rejects it, so do not parse it
        try:
            return normalize_origin(text)
        except ValueError:
            raise serializers.ValidationError(
                _("“%(text)s” is not an origin like https://example.com.") % {"text": text}
            ) from None


class OriginsField(serializers.ListField):
    child = OriginField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "timezone": {"type": "string"},
            **dict.fromkeys(hours.WEEKDAYS, DAY),
        },
        "additionalProperties": False,
    }
)
class OpeningHoursField(serializers.Field):  # type: ignore[type-arg]  # generic in the stubs alone
    """Opening hours; `{}` means always open."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Send an object with a time zone and weekdays.")
        errors = hours.find_errors(data)
        if errors:
            raise serializers.ValidationError({key: [text] for key, text in errors.items()})
        return hours.normalize(data)

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value
