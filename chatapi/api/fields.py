"""Serializer fields that all apps share."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.text.display import is_blank


class VisibleField(serializers.CharField):
    """A text field that treats a text of invisible characters as empty."""

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation("" if isinstance(data, str) and is_blank(data) else data)
