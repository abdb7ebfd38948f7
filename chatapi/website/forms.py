"""Forms of the website, held to the rules that the API holds its callers to."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from rest_framework import serializers

from chatapi.api.errors import ApiError, flatten


class RulesForm(forms.Form):
    """A form whose values an API's serializer validates.

    `taken` gives what the serializer is asked about, `valid` what came of it. Errors of the
    serializer and of the action that follows stand beside the fields they speak of.
    """

    rules: ClassVar[type[serializers.Serializer[Any]]]
    template_name = "fields.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.valid: dict[str, Any] = {}

    def taken(self, values: dict[str, Any]) -> dict[str, Any]:
        """The fields of the form as the body of a call."""
        return values

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        asked = self.rules(data=self.taken(values), partial=True)
        if asked.is_valid():
            self.valid = dict(asked.validated_data)
        else:
            self.blame(flatten(asked.errors))
        return values

    def refuse(self, error: ApiError) -> None:
        """Show what an action had against values that were valid."""
        self.blame(error.errors or {"": [error.message]})

    def blame(self, errors: Mapping[str, Sequence[str]]) -> None:
        for path, sentences in errors.items():
            # The innermost part that has a field here: `opening_hours.monday` is `monday`.
            named = [part for part in reversed(path.split(".")) if part in self.fields]
            field = named[0] if named else None
            if field is None or field not in self.errors:
                self.add_error(field, [str(sentence) for sentence in sentences])
