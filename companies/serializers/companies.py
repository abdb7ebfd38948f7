"""Companies in the API."""

from typing import Any

from django.core.validators import URLValidator
from django.utils.translation import gettext as _
from rest_framework import serializers

from chatapi.api.fields import VisibleField
from companies.models import Company, Role
from companies.models.companies import MAX_NAME_LENGTH
from companies.serializers.fields import OpeningHoursField, OriginsField


class CompanySerializer(serializers.ModelSerializer[Company]):
    """A company as its members see it. `role` is the caller's role."""

    role = serializers.ChoiceField(Role.choices, read_only=True)
    logo_url = serializers.CharField(read_only=True, help_text="Empty if there is no logo.")
    allowed_origins = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Websites that may embed the chat.",
    )
    opening_hours = OpeningHoursField(
        read_only=True, help_text="Opening hours by weekday; empty if always open."
    )
    closed_text = serializers.CharField(
        read_only=True, help_text="Shown to visitors outside opening hours."
    )

    class Meta:
        model = Company
        fields = (
            "id",
            "name",
            "slug",
            "logo_url",
            "role",
            "verify_first_join",
            "mail_transcripts",
            "edit_window_minutes",
            "chat_user_token_days",
            "allowed_origins",
            "opening_hours",
            "closed_text",
            "created_at",
            "deleted_at",
        )
        read_only_fields = fields


class CompanyBriefSerializer(serializers.ModelSerializer[Company]):
    """A company as visitors see it."""

    logo_url = serializers.CharField(read_only=True, help_text="Empty if there is no logo.")

    class Meta:
        model = Company
        fields = ("id", "name", "slug", "logo_url")
        read_only_fields = fields

    def to_representation(self, instance: Company) -> dict[str, Any]:
        # Part of every chat user, so skip building the fields.
        return {name: getattr(instance, name) for name in ("id", "name", "slug", "logo_url")}


class CompanyInput(serializers.Serializer[Any]):
    name = VisibleField(max_length=MAX_NAME_LENGTH)
    slug = serializers.SlugField(
        max_length=80, required=False, help_text="Generated from the name if omitted."
    )
    logo_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        validators=[URLValidator(schemes=["https", "http"])],
    )
    verify_first_join = serializers.BooleanField(required=False)
    mail_transcripts = serializers.BooleanField(required=False)
    edit_window_minutes = serializers.IntegerField(required=False, min_value=0, max_value=525_600)
    chat_user_token_days = serializers.IntegerField(required=False, min_value=1, max_value=365)
    allowed_origins = OriginsField(
        required=False,
        help_text="Websites that may embed the chat, for example `https://example.com`.",
    )
    opening_hours = OpeningHoursField(
        required=False,
        help_text="Time ranges by weekday, in an IANA `timezone`. Weekdays left out are closed; "
        "`{}` means always open.",
    )
    closed_text = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Shown to visitors outside opening hours.",
    )

    def validate_slug(self, slug: str) -> str:
        if slug.isdigit():
            raise serializers.ValidationError(_("The slug must contain at least one letter."))
        if slug in Company.RESERVED_SLUGS:
            raise serializers.ValidationError(_("This slug is already taken."))
        return slug
