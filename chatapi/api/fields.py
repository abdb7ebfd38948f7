"""Fields of serializers that all apps share."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.text.display import is_blank


class VisibleField(serializers.CharField):
    """A text that a reader sees something of; one of invisible characters alone is empty."""

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation("" if isinstance(data, str) and is_blank(data) else data)
