"""The bodies of notes."""

from typing import Any

from rest_framework import serializers

from chatapi.api.ids import MAX_ID
from chatapi.api.pagination import NewestFirstQuery
from chats import representations
from chats.serializers.messages import (
    AuthorSerializer,
    MentionsField,
    RevisionSerializer,
    Text,
)


class NotesQuery(NewestFirstQuery):
    after_seq = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ID,
        required=False,
        help_text="Only notes that are shown after the event with this `seq`.",
    )
    before_seq = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ID,
        required=False,
        help_text="Only notes that are shown before the event with this `seq`.",
    )


class NoteInput(serializers.Serializer[Any]):
    text = Text()
    mentions = MentionsField(required=False)


class NoteAuthorSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The account's id.")
    name = serializers.CharField()


class NoteSerializer(serializers.Serializer[Any]):
    """A note. A deleted note keeps its position; its text is null."""

    id = serializers.IntegerField()
    chat_id = serializers.IntegerField()
    seq = serializers.IntegerField(
        help_text="That of the chat's newest event when the note was written. The note is shown "
        "after that event."
    )
    member_seq = serializers.IntegerField(
        help_text="The position in the members' log. Notes are sorted by it."
    )
    text = serializers.CharField(allow_null=True)
    author = NoteAuthorSerializer(allow_null=True, help_text="Null if the account was deleted.")
    mentions = serializers.ListField(child=serializers.IntegerField())
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return representations.note(instance)


class MentionSerializer(serializers.Serializer[Any]):
    """Members whom an agent mentioned in a message."""

    message_id = serializers.IntegerField()
    seq = serializers.IntegerField(help_text="That of the message.")
    author = AuthorSerializer()
    mentions = serializers.ListField(
        child=serializers.IntegerField(), help_text="The ids of their accounts."
    )


class NoteDetailSerializer(NoteSerializer):
    """A single note, with its earlier texts, oldest first."""

    revisions = RevisionSerializer(many=True)
