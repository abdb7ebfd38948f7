"""The bodies of chat users: joining, inviting, editing."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chatapi.api.fields import VisibleField
from chats import representations
from chats.models import ChatUser
from chats.serializers.chats import ChatBriefSerializer
from companies.serializers.companies import CompanyBriefSerializer
from companies.serializers.fields import EmailField


class PersonInput(serializers.Serializer[Any]):
    first_name = VisibleField(max_length=100)
    last_name = VisibleField(max_length=100, allow_blank=True)  # some people have one name
    email = EmailField()


class JoinInput(PersonInput):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class InviteInput(serializers.Serializer[Any]):
    """What a member sends: nothing to join as agent, an address to invite somebody."""

    email = EmailField(required=False)
    first_name = VisibleField(max_length=100, required=False, allow_blank=True)
    last_name = VisibleField(max_length=100, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and "email" not in attrs:
            # Meant as an invitation; it must not turn the caller into an agent.
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


class ChatUserBriefSerializer(serializers.Serializer[Any]):
    """A chat user as everybody in the chat may see them: without the address."""

    id = serializers.IntegerField()
    chat_id = serializers.IntegerField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.ChoiceField(ChatUser.Role.choices)
    status = serializers.ChoiceField(ChatUser.Status.choices)
    assurance = serializers.ChoiceField(ChatUser.Assurance.choices)
    created_at = serializers.DateTimeField()
    joined_at = serializers.DateTimeField(allow_null=True)
    left_at = serializers.DateTimeField(allow_null=True)


class ChatUserSerializer(serializers.ModelSerializer[ChatUser]):
    """Somebody in a chat. `email` is shown to members and to its owner, null to others."""

    chat_id = serializers.IntegerField(read_only=True)
    email = serializers.SerializerMethodField()

    class Meta:
        model = ChatUser
        fields = (
            "id", "chat_id", "first_name", "last_name", "email", "role", "status", "assurance",
            "created_at", "joined_at", "left_at", "last_read_seq", "last_seen_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"], "format": "email"})
    def get_email(self, user: ChatUser) -> str | None:
        viewer: ChatUser | None = self.context.get("viewer")
        return user.email if viewer is None or viewer.pk == user.pk else None

    def to_representation(self, instance: ChatUser) -> dict[str, Any]:
        return representations.chat_user_detail(instance, self.get_email(instance))


class CurrentChatUserSerializer(ChatUserSerializer):
    """The chat user whose token was sent, with chat and company."""

    chat = serializers.SerializerMethodField()
    company = serializers.SerializerMethodField()

    class Meta(ChatUserSerializer.Meta):
        fields = (*ChatUserSerializer.Meta.fields, "chat", "company")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(ChatBriefSerializer)
    def get_chat(self, user: ChatUser) -> dict[str, Any]:
        return representations.chat(user.chat)

    @extend_schema_field(CompanyBriefSerializer)
    def get_company(self, user: ChatUser) -> dict[str, Any]:
        return dict(CompanyBriefSerializer(user.chat.company).data)

    def to_representation(self, instance: ChatUser) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "chat": self.get_chat(instance),
            "company": self.get_company(instance),
        }


class AttemptKey(serializers.CharField):
    """The key that identifies the browser which requested a code."""

    def __init__(self, **kwargs: Any) -> None:
        text = "Send it along with the code: its guesses are counted apart from everybody else's."
        super().__init__(help_text=text, **kwargs)


class JoinedSerializer(ChatUserSerializer):
    """A chat user who came in; with a token when no code is needed."""

    token = serializers.CharField(required=False, help_text="Shown once.")
    expires_at = serializers.DateTimeField(required=False, help_text="Of the token.")
    code_mailed = serializers.BooleanField(help_text="Whether an auth code is on its way.")
    attempt_key = AttemptKey(required=False)

    class Meta(ChatUserSerializer.Meta):
        fields = (  # type: ignore[assignment]
            *ChatUserSerializer.Meta.fields,
            "token", "expires_at", "code_mailed", "attempt_key",
        )  # fmt: skip


class AcceptedSerializer(serializers.Serializer[Any]):
    """The address is known here: a mail is on its way, and no more is told."""

    chat_id = serializers.IntegerField()
    email = serializers.EmailField()
    code_mailed = serializers.BooleanField(help_text="False for an invitation.")
    attempt_key = AttemptKey(required=False)
