"""What the API takes and shows of chats, chat users and messages."""

from typing import Any

import orjson
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from chatapi.pagination import NewestFirstQuery
from chats import representations
from chats.models import Chat, ChatUser, EventType
from companies.serializers import CompanyBriefSerializer, EmailField

MAX_TEXT = 10_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 20
MAX_SEQ = 2**63 - 1


# --- Shown -----------------------------------------------------------------------------------


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
            "created_at", "joined_at", "left_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"], "format": "email"})
    def get_email(self, user: ChatUser) -> str | None:
        viewer: ChatUser | None = self.context.get("viewer")
        return user.email if viewer is None or viewer.pk == user.pk else None


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat; `external_id` and `metadata` are shown to members alone."""

    company_id = serializers.IntegerField(read_only=True)
    last_message = serializers.SerializerMethodField()
    unread_count = serializers.IntegerField(read_only=True)
    users_count = serializers.IntegerField(read_only=True, help_text="Who is in the chat now.")
    external_id = serializers.CharField(read_only=True, required=False, allow_null=True)
    metadata = serializers.DictField(read_only=True, required=False)

    class Meta:
        model = Chat
        fields = (
            "id", "company_id", "name", "status", "external_id", "metadata", "last_seq",
            "last_message", "unread_count", "users_count", "created_at", "deleted_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(MessageSerializer(allow_null=True))
    def get_last_message(self, chat: Chat) -> dict[str, Any] | None:
        row = self.context["last_messages"].get(chat.last_message_id)  # type: ignore[attr-defined]
        return representations.message(row) if row else None

    def to_representation(self, instance: Chat) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not self.context["for_member"]:
            del shown["external_id"], shown["metadata"]
        return shown


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


class JoinedSerializer(ChatUserSerializer):
    """A chat user who came in; with a token when no code is needed."""

    token = serializers.CharField(required=False, help_text="Shown once.")
    expires_at = serializers.DateTimeField(required=False, help_text="Of the token.")
    code_mailed = serializers.BooleanField(help_text="Whether an auth code is on its way.")

    class Meta(ChatUserSerializer.Meta):
        fields = (*ChatUserSerializer.Meta.fields, "token", "expires_at", "code_mailed")  # type: ignore[assignment]


class AcceptedSerializer(serializers.Serializer[Any]):
    """The address is known here: a mail is on its way, and no more is told."""

    chat_id = serializers.IntegerField()
    email = serializers.EmailField()
    code_mailed = serializers.BooleanField(help_text="False for an invitation.")


class StartedSerializer(serializers.Serializer[Any]):
    chat = ChatBriefSerializer()
    chat_user = ChatUserSerializer()
    password = serializers.CharField(help_text="Of the chat.")
    url = serializers.CharField(help_text="The link back into the chat, with its password.")
    token = serializers.CharField(required=False, help_text="Shown once.")
    expires_at = serializers.DateTimeField(required=False, help_text="Of the token.")
    code_mailed = serializers.BooleanField()


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once.")
    expires_at = serializers.DateTimeField()
    chat_user = ChatUserSerializer()


class ShareSerializer(serializers.Serializer[Any]):
    password = serializers.CharField()
    url = serializers.CharField(help_text="The link for guests, the password in its fragment.")


class ReadSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()


# --- Taken -----------------------------------------------------------------------------------


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
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=6, max_length=128, **kwargs)


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
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    password = Password(required=False, help_text="Managers and owners.")
    external_id = ExternalId(max_length=200, required=False, allow_null=True, allow_blank=True)
    metadata = Metadata(required=False)


class ChatInput(serializers.Serializer[Any]):
    company_id = CompanyReference(max_length=80, help_text="The company's id or slug.")
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    password = Password(required=False, help_text="Made when absent; `share` shows it.")
    external_id = ExternalId(max_length=200, required=False, allow_null=True, allow_blank=True)
    metadata = Metadata(required=False)


class PersonInput(serializers.Serializer[Any]):
    first_name = serializers.CharField(max_length=100)
    last_name = serializers.CharField(max_length=100)
    email = EmailField()


class Text(serializers.CharField):
    """What is said: trimmed, not empty, at most 10,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TEXT, trim_whitespace=True, **kwargs)


class StartChatInput(PersonInput):
    message = Text(required=False, allow_blank=True)


class JoinInput(PersonInput):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class InviteInput(serializers.Serializer[Any]):
    """What a member sends: nothing to join as agent, an address to invite somebody."""

    email = EmailField(required=False)
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and "email" not in attrs:
            # Meant for somebody else; it must not make an agent of the caller.
            raise serializers.ValidationError({"email": "Whom to invite is missing."})
        return attrs


class ChatUserEdit(serializers.Serializer[Any]):
    first_name = serializers.CharField(max_length=100, required=False)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
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

    def get_fields(self) -> dict[str, Any]:
        # The documented name is no Python name.
        fields = super().get_fields()
        fields["auth-code"] = AuthCodeField(source="auth_code")
        del fields["auth_code"]
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if "auth-code" not in data and "auth_code" in data:
            data = {"email": data.get("email"), "auth-code": data["auth_code"]}
        return super().to_internal_value(data)


class ShareInput(serializers.Serializer[Any]):
    rotate = serializers.BooleanField(required=False, help_text="Managers: make a new password.")


class ReadInput(serializers.Serializer[Any]):
    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


# --- Asked -----------------------------------------------------------------------------------


class ChatsQuery(NewestFirstQuery):
    status = serializers.ChoiceField(Chat.Status.choices, required=False)
    q = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="In the name or external_id."
    )
    company_id = serializers.CharField(max_length=80, required=False, help_text="Id or slug.")
    external_id = serializers.CharField(max_length=200, required=False)


class MessagesQuery(NewestFirstQuery):
    before_seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ, required=False)
    after_seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ, required=False)
    around_seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ, required=False)

    ANCHORS = ("before_seq", "after_seq", "around_seq")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in self.ANCHORS if name in attrs]
        if len(given) > 1:
            raise serializers.ValidationError({given[1]: f"Not together with {given[0]}."})
        return attrs


class EventsQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=MAX_SEQ, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    wait = serializers.IntegerField(
        min_value=0, max_value=30, default=0, help_text="Seconds to wait for the next event."
    )
