"""Saved replies in the API."""

from typing import Any

from rest_framework import serializers

from chatapi.api.fields import VisibleField
from chatapi.api.pagination import PageQuery
from companies.models import SavedReply


class SavedReplySerializer(serializers.ModelSerializer[SavedReply]):
    """A prepared answer that all agents of a company can use."""

    company_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = SavedReply
        fields = ("id", "company_id", "title", "text", "created_at", "updated_at")
        read_only_fields = fields


class SavedReplyInput(serializers.Serializer[Any]):
    title = VisibleField(max_length=100)
    text = VisibleField(max_length=10_000)


class SavedRepliesQuery(PageQuery):
    q = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="Searches the title and the text.",
    )
