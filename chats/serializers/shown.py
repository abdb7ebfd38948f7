"""What the API shows of chats, chat users, messages and events."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from chats import representations
from chats.hints import Position
from chats.models import Chat, ChatUser, EventType
from companies.serializers.companies import CompanyBriefSerializer


class AuthorSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.ChoiceField(ChatUser.Role.choices)


class MessageSerializer(serializers.Serializer[Any]):
    """A message; deleted, it keeps its place and loses its text (null)."""

    id = serializers.IntegerField()
    chat_id = serializers.IntegerField()
    seq = serializers.IntegerField(help_text="Its place in the chat's log; messages sort by it.")
    text = serializers.CharField(allow_null=True)
    author = AuthorSerializer()
    assurance = serializers.ChoiceField(
        ChatUser.Assurance.choices, help_text="How sure it is who the author is."
    )
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return representations.message(instance)


class RevisionSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    replaced_at = serializers.DateTimeField()


class MessageDetailSerializer(MessageSerializer):
    """A single message; members also see the texts it had before, oldest first."""

    revisions = RevisionSerializer(many=True, required=False)


class ChatBriefSerializer(serializers.Serializer[Any]):
    """A chat as everybody in it may see it."""

    id = serializers.IntegerField()
    company_id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Chat.Status.choices)
    created_at = serializers.DateTimeField()


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


@extend_schema_field(
    PolymorphicProxySerializer(
        "EventData", [MessageSerializer, ChatUserBriefSerializer, ChatBriefSerializer], None
    )
)
class EventData(serializers.DictField):
    """What an event tells of, by its type: `message.*`, `user.*` or `chat.*`."""


class EventSerializer(serializers.Serializer[Any]):
    """An entry of a chat's log. `data` is the message, chat user or chat that it tells of.

    A message is shown as it stands now: what was deleted has no text in any event.
    """

    seq = serializers.IntegerField()
    type = serializers.ChoiceField(EventType.choices)
    chat_id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    data = EventData()  # type: ignore[assignment]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return representations.event(instance)


class AllEventSerializer(EventSerializer):
    """An event among those of many chats; its `id` tells doubles."""

    id = serializers.CharField(help_text="Of the event; the same whenever it is told of.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        event = representations.event(instance)
        place = Position(event["created_at"], event["chat_id"], event["seq"])
        return {"id": str(place), **event}


class AllEventsSerializer(serializers.Serializer[Any]):
    data = AllEventSerializer(many=True)  # type: ignore[assignment]
    last_id = serializers.CharField(
        help_text="To ask for what follows by. After a page that is not full, the last half minute "
        "may come again."
    )


class TypingDataSerializer(serializers.Serializer[Any]):
    chat_user_id = serializers.IntegerField()
    expires_at = serializers.DateTimeField(help_text="When it ends, unless it is told again.")


class ReadDataSerializer(serializers.Serializer[Any]):
    chat_user_id = serializers.IntegerField()
    seq = serializers.IntegerField(help_text="Up to which event they have read.")


class PresentUserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    online = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class PresenceDataSerializer(serializers.Serializer[Any]):
    users = PresentUserSerializer(many=True)


class PassingSerializer(serializers.Serializer[Any]):
    """What passes: it is in no log, and has no `id` and no `seq`."""

    chat_id = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class TypingEventSerializer(PassingSerializer):
    """Somebody is typing."""

    type = serializers.ChoiceField(["typing"])
    data = TypingDataSerializer()  # type: ignore[assignment]


class ReadEventSerializer(PassingSerializer):
    """Somebody has read."""

    type = serializers.ChoiceField(["read"])
    data = ReadDataSerializer()  # type: ignore[assignment]


class PresenceEventSerializer(PassingSerializer):
    """Who has come and who has gone; first of all, who is connected."""

    type = serializers.ChoiceField(["presence"])
    data = PresenceDataSerializer()  # type: ignore[assignment]


class ByeSerializer(serializers.Serializer[Any]):
    """The last event of a stream whose token is good no more."""

    code = serializers.ChoiceField(["invalid_token"])
    message = serializers.CharField()


STREAM_EVENT = PolymorphicProxySerializer(
    "StreamEvent",
    [
        EventSerializer, TypingEventSerializer, ReadEventSerializer, PresenceEventSerializer,
        ByeSerializer,
    ],
    None,
)  # fmt: skip


class EventsSerializer(serializers.Serializer[Any]):
    data = EventSerializer(many=True)  # type: ignore[assignment]
    last_seq = serializers.IntegerField(
        help_text="The newest event of the chat; when it is above the last one here, ask again."
    )


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
        return representations.chat_user_in_full(instance, self.get_email(instance))


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat; `external_id` and `metadata` are shown to members alone."""

    company_id = serializers.IntegerField(read_only=True)
    last_message = serializers.SerializerMethodField()
    chat_user_id = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="The caller's own chat user; null if they have never been in the chat.",
    )
    unread_count = serializers.IntegerField(read_only=True)
    users_count = serializers.IntegerField(read_only=True, help_text="Who is in the chat now.")
    external_id = serializers.CharField(read_only=True, required=False, allow_null=True)
    metadata = serializers.DictField(read_only=True, required=False)

    class Meta:
        model = Chat
        fields = (
            "id", "company_id", "name", "status", "external_id", "metadata", "last_seq",
            "last_message", "chat_user_id", "unread_count", "users_count", "created_at",
            "deleted_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(MessageSerializer(allow_null=True))
    def get_last_message(self, chat: Chat) -> dict[str, Any] | None:
        row = self.context["last_messages"].get(chat.last_message_id)  # type: ignore[attr-defined]
        return representations.message(row) if row else None

    def to_representation(self, instance: Chat) -> dict[str, Any]:
        last_message = self.get_last_message(instance)
        for_member = self.context["for_member"]
        return representations.chat_in_full(instance, last_message, for_member=for_member)


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
    """What marks the browser that asked for a code."""

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


class StartedSerializer(serializers.Serializer[Any]):
    chat = ChatBriefSerializer()
    chat_user = ChatUserSerializer()
    password = serializers.CharField(help_text="Of the chat.")
    url = serializers.CharField(help_text="The link back into the chat, with its password.")
    token = serializers.CharField(required=False, help_text="Shown once.")
    expires_at = serializers.DateTimeField(required=False, help_text="Of the token.")
    code_mailed = serializers.BooleanField()
    attempt_key = AttemptKey(required=False)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once.")
    expires_at = serializers.DateTimeField()
    chat_user = ChatUserSerializer()


class ShareSerializer(serializers.Serializer[Any]):
    password = serializers.CharField()
    url = serializers.CharField(help_text="The link for guests, the password in its fragment.")


class TypingSerializer(serializers.Serializer[Any]):
    expires_at = serializers.DateTimeField(
        help_text="When it ends by itself, unless it is told again before."
    )


class ReadSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
