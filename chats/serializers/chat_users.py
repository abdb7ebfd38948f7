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
    """A member's request: empty to join as an agent, or an address to invite someone."""

    email = EmailField(required=False)
    first_name = VisibleField(max_length=100, required=False, allow_blank=True)
    last_name = VisibleField(max_length=100, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and "email" not in attrs:
            # Meant as an invitation; it must not turn the caller into an agent.
            raise serializers.ValidationError(
                {"email": "Enter the email address of the person to invite."}
            )
        return attrs


class ChatUserEdit(serializers.Serializer[Any]):
    first_name = VisibleField(max_length=100, required=False)
    last_name = VisibleField(max_length=100, required=False, allow_blank=True)
    status = serializers.ChoiceField(
        [ChatUser.Status.BANNED.value, ChatUser.Status.REMOVED.value],
        required=False,
        help_text="Members only. `banned` bans the chat user; `removed` lifts the ban.",
    )


class ChatUserBriefSerializer(serializers.Serializer[Any]):
    """A chat user as everyone in the chat sees it, without the address."""

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
    """A participant of a chat.

    `email` is visible to members and to the chat user itself, and null for everyone else.
    """

    chat_id = serializers.IntegerField(read_only=True)
    email = serializers.SerializerMethodField()

    class Meta:
        model = ChatUser
        fields = (
            "id",
            "chat_id",
            "first_name",
            "last_name",
            "email",
            "role",
            "status",
            "assurance",
            "created_at",
            "joined_at",
            "left_at",
            "last_read_seq",
            "last_seen_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"], "format": "email"})
    def get_email(self, user: ChatUser) -> str | None:
        viewer: ChatUser | None = self.context.get("viewer")
        return user.email if viewer is None or viewer.pk == user.pk else None

    def to_representation(self, instance: ChatUser) -> dict[str, Any]:
        return representations.chat_user_detail(instance, self.get_email(instance))


class CurrentChatUserSerializer(ChatUserSerializer):
    """The chat user whose token was sent, with its chat and company."""

    chat = serializers.SerializerMethodField()
    company = serializers.SerializerMethodField()

    class Meta(ChatUserSerializer.Meta):
        fields = (*ChatUserSerializer.Meta.fields, "chat", "company")  # type: ignore[assignment]  # DRF's Meta has no type
        read_only_fields = fields  # type: ignore[assignment]  # DRF's Meta has no type

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
        text = "Send it with the code, so that your attempts are counted separately."
        super().__init__(help_text=text, **kwargs)


class JoinedSerializer(ChatUserSerializer):
    """A chat user who joined or was invited, with a token if no code is required."""

    token = serializers.CharField(required=False, help_text="Shown only once.")
    expires_at = serializers.DateTimeField(required=False, help_text="When the token expires.")
    code_mailed = serializers.BooleanField(help_text="Whether an auth code was mailed.")
    attempt_key = AttemptKey(required=False)

    class Meta(ChatUserSerializer.Meta):
        fields = (  # type: ignore[assignment]  # DRF's Meta has no type
            *ChatUserSerializer.Meta.fields,
            "token",
            "expires_at",
            "code_mailed",
            "attempt_key",
        )


class AcceptedSerializer(serializers.Serializer[Any]):
    """The address is already in the chat. An email is sent; nothing else is disclosed."""

    chat_id = serializers.IntegerField()
    email = serializers.EmailField()
    code_mailed = serializers.BooleanField(help_text="False if an invitation was mailed instead.")
    attempt_key = AttemptKey(required=False)
