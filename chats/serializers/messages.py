"""The bodies and queries of messages."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from chatapi.api.fields import VisibleField
from chatapi.api.ids import MAX_ID
from chatapi.api.pagination import NewestFirstQuery
from chatapi.text.display import trim
from chats import representations
from chats.models import ChatUser
from chats.serializers.attachments import AttachmentSerializer


class MessagesQuery(NewestFirstQuery):
    before_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    after_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)
    around_seq = serializers.IntegerField(min_value=0, max_value=MAX_ID, required=False)

    ANCHORS = ("before_seq", "after_seq", "around_seq")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("cursor", *self.ANCHORS) if name in attrs]
        if len(given) > 1:
            raise serializers.ValidationError({given[1]: f"Can't be combined with {given[0]}."})
        return attrs


MAX_TEXT_LENGTH = 10_000
MAX_MENTIONS = 50
TEXT_ERRORS = ("required", "blank")


class Text(VisibleField):
    """The text of a message: trimmed, not empty, at most 10,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TEXT_LENGTH, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return trim(super().to_internal_value(data))


class MentionsField(serializers.ListField):
    """Ids of accounts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
            max_length=MAX_MENTIONS,
            help_text="The ids of the members to notify.",
            **kwargs,
        )


class MessageEdit(serializers.Serializer[Any]):
    text = Text()


class MessageInput(MessageEdit):
    text = Text(required=False, allow_blank=True, help_text="Required without attachments.")
    attachment_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        max_length=settings.MAX_FILES,
        required=False,
        help_text="Uploaded files that the message shows, in this order.",
    )
    reply_to_id = serializers.IntegerField(
        min_value=1,
        max_value=MAX_ID,
        allow_null=True,
        required=False,
        help_text="The message of this chat that this one replies to.",
    )
    mentions = MentionsField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ids = attrs.get("attachment_ids", [])
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError({"attachment_ids": "An attachment is named twice."})
        if not attrs.get("text") and not self.has_files(attrs):
            absent, blank = (self.fields["text"].error_messages[name] for name in TEXT_ERRORS)
            raise serializers.ValidationError({"text": blank if "text" in attrs else absent})
        return {"text": "", **attrs}

    def has_files(self, attrs: dict[str, Any]) -> bool:
        return bool(attrs.get("attachment_ids"))


class MessageInputWithFiles(MessageInput):
    """The fields of a multipart body that has files, too."""

    def has_files(self, attrs: dict[str, Any]) -> bool:
        return True


class AuthorSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.ChoiceField(ChatUser.Role.choices)


class QuoteSerializer(serializers.Serializer[Any]):
    """The message that a reply is to."""

    id = serializers.IntegerField()
    seq = serializers.IntegerField()
    author = AuthorSerializer()
    text = serializers.CharField(
        allow_null=True,
        help_text=f"Its first {representations.QUOTE_LENGTH} characters; null if it was deleted.",
    )


class ReactionsSerializer(serializers.Serializer[Any]):
    """The reactions to a message with one emoji."""

    emoji = serializers.CharField()
    count = serializers.IntegerField()
    chat_user_ids = serializers.ListField(
        child=serializers.IntegerField(), help_text="Who reacted, in the order of time."
    )


class MessageSerializer(serializers.Serializer[Any]):
    """A message. A deleted message keeps its position; its text is null."""

    id = serializers.IntegerField()
    chat_id = serializers.IntegerField()
    seq = serializers.IntegerField(
        help_text="The position in the chat's log. Messages are sorted by it."
    )
    text = serializers.CharField(allow_null=True)
    author = AuthorSerializer()
    assurance = serializers.ChoiceField(
        ChatUser.Assurance.choices, help_text="How the author's identity was verified."
    )
    reply_to = QuoteSerializer(allow_null=True)
    attachments = AttachmentSerializer(many=True)
    reactions = ReactionsSerializer(many=True)
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return representations.message(instance)


class RevisionSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    replaced_at = serializers.DateTimeField()


class MessageDetailSerializer(MessageSerializer):
    """A single message. Members also see its earlier texts, oldest first."""

    revisions = RevisionSerializer(many=True, required=False)
