"""What the API takes: the bodies of requests."""

from typing import Any

import orjson
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.api.fields import VisibleField
from chatapi.api.ids import MAX_ID
from chatapi.text.display import has_unusable, normal_password, trim
from chats.models import Chat, ChatUser
from companies.serializers.fields import EmailField

MAX_TEXT = 10_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 20


class Metadata(serializers.DictField):
    """A JSON object of at most 16 KiB and 20 levels."""

    default_error_messages = {
        "too_large": f"Metadata is at most {MAX_METADATA_BYTES} bytes of JSON.",
        "too_deep": f"Metadata is nested at most {MAX_METADATA_DEPTH} levels.",
        "not_a_dict": "Metadata must be a JSON object.",
        "nul": "Metadata can't hold NUL characters.",
        "number": "Metadata can't hold numbers of this size.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # out of a form
            try:
                data = orjson.loads(data)
            except orjson.JSONDecodeError:
                self.fail("not_a_dict", input_type="str")
        if depth(data) > MAX_METADATA_DEPTH:
            self.fail("too_deep")
        value = super().to_internal_value(data)
        try:
            raw = orjson.dumps(value)
        except orjson.JSONEncodeError:
            self.fail("number")
        if len(raw) > MAX_METADATA_BYTES:
            self.fail("too_large")
        if b"\\u0000" in raw:
            self.fail("nul")
        return value


def depth(value: Any) -> int:
    """How deep a JSON value is nested, without recursing into one that was made to be deep."""
    deepest, level = 0, [value]
    while level and deepest <= MAX_METADATA_DEPTH:
        deepest += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return deepest


class Password(serializers.CharField):
    """A chosen password, in the form that guesses are compared with."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=10, max_length=128, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        password = normal_password(super().to_internal_value(data))
        if has_unusable(password):
            raise serializers.ValidationError(
                _("A password has no control characters and no invisible ones.")
            )
        return password


class ExternalId(serializers.CharField):
    """An id of the integrator's own; an empty one is none."""

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return None if value == "" else value


@extend_schema_field(
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": 80}]}
)
class CompanyReference(serializers.CharField):
    """A company's id, as a number or a string, or its slug."""


class ChatEdit(serializers.Serializer[Any]):
    name = VisibleField(max_length=200, required=False, allow_blank=True)
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    password = Password(required=False, help_text="Managers and owners.")
    external_id = ExternalId(max_length=200, required=False, allow_null=True, allow_blank=True)
    metadata = Metadata(required=False)


class ChatInput(serializers.Serializer[Any]):
    company_id = CompanyReference(max_length=80, help_text="The company's id or slug.")
    name = VisibleField(max_length=200, required=False, allow_blank=True)
    password = Password(required=False, help_text="Made when absent; `share` shows it.")
    external_id = ExternalId(max_length=200, required=False, allow_null=True, allow_blank=True)
    metadata = Metadata(required=False)


class PersonInput(serializers.Serializer[Any]):
    first_name = VisibleField(max_length=100)
    last_name = VisibleField(max_length=100, allow_blank=True)  # some people have one name
    email = EmailField()


class Text(VisibleField):
    """What is said: trimmed, not empty, at most 10,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TEXT, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return trim(super().to_internal_value(data))


class StartChatInput(PersonInput):
    message = Text(required=False, allow_blank=True)


class JoinInput(PersonInput):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class InviteInput(serializers.Serializer[Any]):
    """What a member sends: nothing to join as agent, an address to invite somebody."""

    email = EmailField(required=False)
    first_name = VisibleField(max_length=100, required=False, allow_blank=True)
    last_name = VisibleField(max_length=100, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and "email" not in attrs:
            # Meant for somebody else; it must not make an agent of the caller.
            raise serializers.ValidationError({"email": "Whom to invite is missing."})
        return attrs


class ChatUserEdit(serializers.Serializer[Any]):
    first_name = VisibleField(max_length=100, required=False)
    last_name = VisibleField(max_length=100, required=False, allow_blank=True)
    status = serializers.ChoiceField(
        [ChatUser.Status.BANNED.value, ChatUser.Status.REMOVED.value],
        required=False,
        help_text="Members: `banned` shuts a guest out, `removed` lifts the ban.",
    )


class MessageInput(serializers.Serializer[Any]):
    text = Text()


@extend_schema_field(
    {
        "anyOf": [
            {"type": "integer", "minimum": 100_000, "maximum": 999_999},
            {"type": "string", "pattern": "^[0-9]{6}$"},
        ],
        "description": "The six digits out of the mail, as a number or a string.",
    }
)
class AuthCodeField(serializers.Field[Any, Any, Any, Any]):
    """Six digits, as a number or a string."""

    default_error_messages = {"invalid": "Enter the 6-digit code."}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        text = str(data).replace(" ", "") if isinstance(data, str) or 0 < data < 10**6 else ""
        if not (len(text) == 6 and text.isascii() and text.isdigit()):
            self.fail("invalid")
        return text

    def to_representation(self, value: Any) -> Any:
        return value


class GetTokenInput(serializers.Serializer[Any]):
    email = EmailField()
    auth_code = AuthCodeField()
    attempt_key = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="As the join answered it. Guesses with it are counted apart from everybody's.",
    )

    def get_fields(self) -> dict[str, Any]:
        # The documented name is no Python name.
        fields = super().get_fields()
        fields["auth-code"] = AuthCodeField(source="auth_code")
        del fields["auth_code"]
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if "auth-code" not in data and "auth_code" in data:
            data = {name: data[name] for name in data if name != "auth_code"} | {
                "auth-code": data["auth_code"]
            }
        return super().to_internal_value(data)


class ShareInput(serializers.Serializer[Any]):
    rotate = serializers.BooleanField(required=False, help_text="Managers: make a new password.")


class TypingInput(serializers.Serializer[Any]):
    typing = serializers.BooleanField(default=True, help_text="False when the text was given up.")


class ReadInput(serializers.Serializer[Any]):
    seq = serializers.IntegerField(min_value=0, max_value=MAX_ID)
