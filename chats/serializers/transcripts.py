"""The bodies of transcripts."""

from typing import Any

from rest_framework import serializers

from chats.models import ChatUser
from chats.serializers.chats import ChatBriefSerializer
from chats.transcripts.forms import FORMS
from companies.serializers.fields import EmailField


class TranscriptQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(
        list(FORMS),
        default="json",
        help_text="`json`, which can be verified, plain `text`, or `html` to print.",
    )


class TranscriptInput(serializers.Serializer[Any]):
    email = EmailField(
        required=False, help_text="A chat user's own address if omitted. Members must send it."
    )


class TranscriptMailSerializer(serializers.Serializer[Any]):
    chat_id = serializers.IntegerField()
    email = serializers.EmailField(help_text="The address that the transcript is mailed to.")


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The chat user's id.")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.ChoiceField(ChatUser.Role.choices)


class TranscriptEntrySerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="The number of the event in the chat's log.")
    type = serializers.CharField(help_text="The event's type.")
    created_at = serializers.DateTimeField()
    content = serializers.DictField(
        allow_null=True, help_text="What the event said when it happened; null if it is withheld."
    )
    salt = serializers.CharField(
        allow_null=True, help_text="32 bytes in hexadecimal; null if the content is withheld."
    )
    content_hash = serializers.CharField(help_text="SHA-256 of the salt and the content.")
    hash = serializers.CharField(help_text="SHA-256 of the hash before it and this entry.")


class TranscriptSerializer(serializers.Serializer[Any]):
    """A transcript. The chat and the people are as they were when it was signed."""

    chat = ChatBriefSerializer()
    people = PersonSerializer(many=True)
    entries = TranscriptEntrySerializer(many=True)
    seq = serializers.IntegerField(help_text="That of the last entry.")
    head = serializers.CharField(help_text="The hash of the last entry.")
    withheld = serializers.ListField(
        child=serializers.IntegerField(), help_text="The `seq` of each withheld entry, in order."
    )
    signed_at = serializers.DateTimeField()
    key_id = serializers.CharField(help_text="The `kid` of the key that signed it.")
    signature = serializers.CharField(help_text="Ed25519, in base64url.")


class TranscriptKeySerializer(serializers.Serializer[Any]):
    kty = serializers.CharField()
    crv = serializers.CharField()
    x = serializers.CharField(help_text="The public key, in base64url.")
    kid = serializers.CharField(help_text="The key's thumbprint (RFC 7638).")


class TranscriptKeysSerializer(serializers.Serializer[Any]):
    keys = TranscriptKeySerializer(many=True)
