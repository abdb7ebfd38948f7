"""Attachments and their uploads."""

from typing import Any

from rest_framework import serializers

from chats.models import Attachment


class AttachmentInput(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="The file, with its name.")


SHOWN = (Attachment.Status.PROCESSING, Attachment.Status.READY, Attachment.Status.REJECTED)


class AttachmentSerializer(serializers.Serializer[Any]):
    """A file. `url` and `thumbnail_url` are signed, and valid for an hour."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    content_type = serializers.CharField(help_text="By the content, not by the name.")
    width = serializers.IntegerField(allow_null=True, help_text="Pixels, of an image.")
    height = serializers.IntegerField(allow_null=True)
    duration = serializers.FloatField(
        allow_null=True, help_text="Seconds, of a sound or a video whose format says it."
    )
    status = serializers.ChoiceField(
        [(each.value, each.label) for each in SHOWN],
        help_text="A file can be read once it is `ready`. A damaged or infected one is `rejected`.",
    )
    url = serializers.CharField(allow_null=True)
    thumbnail_url = serializers.CharField(allow_null=True, help_text="WebP, at most 480 pixels.")
    placeholder = serializers.CharField(
        allow_null=True, help_text="A tiny image as a `data:` URL, to show blurred at first."
    )
    created_at = serializers.DateTimeField()
