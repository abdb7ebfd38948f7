"""Forms of the website that follow the same rules as the API."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from rest_framework import serializers

from chatapi.api.errors import ApiError, flatten


class SerializerForm(forms.Form):
    """A form whose values are validated by a serializer of the API.

    `serializer_input` returns the data for the serializer, and `validated` holds its result. Errors
    of the serializer, and of the action that follows, are shown beside their fields.
    """

    serializer_class: ClassVar[type[serializers.Serializer[Any]]]
    template_name = "fields.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.validated: dict[str, Any] = {}

    def serializer_input(self, values: dict[str, Any]) -> dict[str, Any]:
        """The form's values as the body of a request to the API."""
        return values

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        serializer = self.serializer_class(data=self.serializer_input(values), partial=True)
        if serializer.is_valid():
            self.validated = dict(serializer.validated_data)
        else:
            self.add_field_errors(flatten(serializer.errors))
        return values

    def add_api_error(self, error: ApiError) -> None:
        """Show an error that an action raised although the values were valid."""
        self.add_field_errors(error.errors or {"": [error.message]})

    def add_field_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        for path, sentences in errors.items():
            # Use the innermost part that is a field here: `monday` of `opening_hours.monday`.
            named = [part for part in reversed(path.split(".")) if part in self.fields]
            field = named[0] if named else None
            if field is None or field not in self.errors:
                self.add_error(field, [str(sentence) for sentence in sentences])
