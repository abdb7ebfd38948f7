"""The fields, bodies and queries of chats."""

from typing import Any

import orjson
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.api.fields import VisibleField
from chatapi.api.ids import MAX_ID
from chatapi.api.pagination import NewestFirstQuery
from chatapi.text.display import has_unusable, normalize_password
from chats import representations
from chats.models import Chat
from chats.models.chats import MAX_EXTERNAL_ID_LENGTH, MAX_NAME_LENGTH
from chats.serializers.messages import MessageSerializer


class ChatsQuery(NewestFirstQuery):
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    q = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="Searches the name and `external_id`.",
    )
    company_id = serializers.CharField(
        max_length=80, required=False, help_text="The company's id or slug."
    )
    external_id = serializers.CharField(max_length=MAX_EXTERNAL_ID_LENGTH, required=False)


MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 20


class Metadata(serializers.DictField):
    """A JSON object of at most 16 KiB and 20 levels."""

    default_error_messages = {
        "too_large": f"Metadata can have at most {MAX_METADATA_BYTES} bytes of JSON.",
        "too_deep": f"Metadata can have at most {MAX_METADATA_DEPTH} levels of nesting.",
        "not_a_dict": "Metadata must be a JSON object.",
        "nul": "Metadata can't contain NUL characters.",
        "number": "Metadata contains a number that is too large.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # from a form
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
    """The nesting depth of a JSON value, without recursion, which a hostile value could exhaust."""
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
    """A chosen password, normalised as it will be for the comparison."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=10, max_length=128, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        password = normalize_password(super().to_internal_value(data))
        if has_unusable(password):
            raise serializers.ValidationError(
                _("Passwords can't contain control characters or invisible characters.")
            )
        return password


class ExternalId(serializers.CharField):
    """An id that the integrator chooses; an empty one counts as none."""

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return None if value == "" else value


@extend_schema_field(
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": 80}]}
)
class CompanyReference(serializers.CharField):
    """A company's id, as a number or a string, or its slug."""


class ChatEdit(serializers.Serializer[Any]):
    name = VisibleField(max_length=MAX_NAME_LENGTH, required=False, allow_blank=True)
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    password = Password(required=False, help_text="Managers and owners only.")
    external_id = ExternalId(
        max_length=MAX_EXTERNAL_ID_LENGTH, required=False, allow_null=True, allow_blank=True
    )
    metadata = Metadata(required=False)


class ChatInput(serializers.Serializer[Any]):
    company_id = CompanyReference(max_length=80, help_text="The company's id or slug.")
    name = VisibleField(max_length=MAX_NAME_LENGTH, required=False, allow_blank=True)
    password = Password(required=False, help_text="Generated if omitted; `share` returns it.")
    external_id = ExternalId(
        max_length=MAX_EXTERNAL_ID_LENGTH, required=False, allow_null=True, allow_blank=True
    )
    metadata = Metadata(required=False)


class ShareInput(serializers.Serializer[Any]):
    rotate = serializers.BooleanField(
        required=False, help_text="Managers and owners only: generate a new password."
    )


class TypingInput(serializers.Serializer[Any]):
    typing = serializers.BooleanField(
        default=True, help_text="False when the user has stopped typing."
    )


class ReadInput(serializers.Serializer[Any]):
    seq = serializers.IntegerField(min_value=0, max_value=MAX_ID)


class ChatBriefSerializer(serializers.Serializer[Any]):
    """A chat as everyone in it sees it."""

    id = serializers.IntegerField()
    company_id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Chat.Status.choices)
    created_at = serializers.DateTimeField()


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat. Only members see `external_id` and `metadata`."""

    company_id = serializers.IntegerField(read_only=True)
    last_message = serializers.SerializerMethodField()
    chat_user_id = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="The caller's chat user; null if the caller has never joined the chat.",
    )
    unread_count = serializers.IntegerField(read_only=True)
    users_count = serializers.IntegerField(
        read_only=True, help_text="The number of people currently in the chat."
    )
    external_id = serializers.CharField(read_only=True, required=False, allow_null=True)
    metadata = serializers.DictField(read_only=True, required=False)

    class Meta:
        model = Chat
        fields = (
            "id",
            "company_id",
            "name",
            "status",
            "external_id",
            "metadata",
            "last_seq",
            "last_message",
            "chat_user_id",
            "unread_count",
            "users_count",
            "created_at",
            "deleted_at",
        )
        read_only_fields = fields

    @extend_schema_field(MessageSerializer(allow_null=True))
    def get_last_message(self, chat: Chat) -> dict[str, Any] | None:
        row = self.context["last_messages"].get(chat.last_message_id)
        return representations.message(row) if row else None

    def to_representation(self, instance: Chat) -> dict[str, Any]:
        last_message = self.get_last_message(instance)
        for_member = self.context["for_member"]
        return representations.chat_detail(instance, last_message, for_member=for_member)


class ShareSerializer(serializers.Serializer[Any]):
    password = serializers.CharField()
    url = serializers.CharField(
        help_text="The join link for guests, with the password in its fragment."
    )


class TypingSerializer(serializers.Serializer[Any]):
    expires_at = serializers.DateTimeField(
        help_text="When the indicator expires unless it is renewed."
    )


class ReadSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
