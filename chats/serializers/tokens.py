"""The bodies of `get-token`: an auth code for a chat-user token."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chats.serializers.chat_users import ChatUserSerializer
from companies.serializers.fields import EmailField


@extend_schema_field(
    {
        "anyOf": [
            {"type": "integer", "minimum": 100_000, "maximum": 999_999},
            {"type": "string", "pattern": "^[0-9]{6}$"},
        ],
        "description": "The six-digit code from the email, as a number or a string.",
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
        help_text="The `attempt_key` from the join response, so that your attempts are counted "
        "separately.",
    )

    def get_fields(self) -> dict[str, Any]:
        # The documented name is not a Python identifier.
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


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown only once.")
    expires_at = serializers.DateTimeField()
    chat_user = ChatUserSerializer()
