"""What the API takes and shows of companies and their users."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.addresses import parse_email
from accounts.models import User
from chatapi.api.fields import VisibleField
from chatapi.api.pagination import PageQuery
from companies.fields import OpeningHoursField, OriginsField
from companies.models import Company, Membership, Role, SavedReply


class EmailField(serializers.EmailField):
    """An address in its one spelling."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return parse_email(super().to_internal_value(data))
        except DjangoValidationError:
            self.fail("invalid")


class CompanySerializer(serializers.ModelSerializer[Company]):
    """A company as one of its members sees it; `role` is the caller's."""

    role = serializers.ChoiceField(Role.choices, read_only=True)
    logo_url = serializers.CharField(read_only=True, help_text="Empty when there is none.")
    allowed_origins = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Websites that may show the chat in a panel.",
    )
    opening_hours = OpeningHoursField(
        read_only=True, help_text="By weekday, in a time zone; empty when it is always open."
    )
    closed_text = serializers.CharField(
        read_only=True, help_text="What visitors read out of hours."
    )

    class Meta:
        model = Company
        fields = (
            "id", "name", "slug", "logo_url", "role", "verify_first_join", "edit_window_minutes",
            "chat_user_token_days", "allowed_origins", "opening_hours", "closed_text",
            "created_at", "deleted_at",
        )  # fmt: skip
        read_only_fields = fields


class CompanyBriefSerializer(serializers.ModelSerializer[Company]):
    """A company as its visitors see it."""

    logo_url = serializers.CharField(read_only=True, help_text="Empty when there is none.")

    class Meta:
        model = Company
        fields = ("id", "name", "slug", "logo_url")
        read_only_fields = fields

    def to_representation(self, instance: Company) -> dict[str, Any]:
        # Told with every look at a chat user: without making the fields first.
        return {name: getattr(instance, name) for name in ("id", "name", "slug", "logo_url")}


class CompanyInput(serializers.Serializer[Any]):
    name = VisibleField(max_length=200)
    slug = serializers.SlugField(
        max_length=80, required=False, help_text="Made from the name when absent."
    )
    logo_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        validators=[URLValidator(schemes=["https", "http"])],
    )
    verify_first_join = serializers.BooleanField(required=False)
    edit_window_minutes = serializers.IntegerField(required=False, min_value=0, max_value=525_600)
    chat_user_token_days = serializers.IntegerField(required=False, min_value=1, max_value=365)
    allowed_origins = OriginsField(
        required=False,
        help_text="Websites that may show the chat in a panel, like `https://example.com`.",
    )
    opening_hours = OpeningHoursField(
        required=False,
        help_text="The ranges of each weekday in a `timezone` of IANA; a day that is not named is "
        "closed. `{}` is always open.",
    )
    closed_text = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="What visitors read out of hours.",
    )

    def validate_slug(self, slug: str) -> str:
        if slug.isdigit():
            raise serializers.ValidationError(_("A slug needs at least one letter."))
        if slug in Company.RESERVED_SLUGS:
            raise serializers.ValidationError(_("This slug is taken."))
        return slug


class CompanyUserSerializer(serializers.ModelSerializer[Membership]):
    """A member of a company, or somebody who is invited and known by the address alone."""

    id = serializers.IntegerField(
        source="public_id",
        read_only=True,
        help_text="The account's id. An invitation has a negative one, until it is accepted.",
    )
    name = serializers.CharField(
        read_only=True, allow_null=True, help_text="Null until the invitation is accepted."
    )
    email = serializers.EmailField(source="address", read_only=True)
    company_id = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField(
        Membership.Status.choices,
        read_only=True,
        help_text="`invited` people have no access yet; `ended` is what was just removed.",
    )

    class Meta:
        model = Membership
        fields = ("id", "company_id", "name", "email", "role", "status", "created_at", "ended_at")
        read_only_fields = fields


class CompanyUserInput(serializers.Serializer[Any]):
    email = EmailField()
    role = serializers.ChoiceField(Role.choices, default=Role.AGENT)


class CompanyUserEnd(serializers.Serializer[Any]):
    rotate_passwords = serializers.BooleanField(
        required=False, help_text="Give the chats that the person could see new passwords."
    )


class CompanyUserAcceptInput(serializers.Serializer[Any]):
    decline = serializers.BooleanField(default=False, help_text="Decline it instead.")


class CompanyUserEdit(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices, required=False)


class UserCompanySerializer(serializers.ModelSerializer[Company]):
    role = serializers.ChoiceField(Role.choices, read_only=True)
    logo_url = serializers.CharField(read_only=True, help_text="Empty when there is none.")

    class Meta:
        model = Company
        fields = ("id", "name", "slug", "logo_url", "role")
        read_only_fields = fields


class CurrentUserSerializer(serializers.ModelSerializer[User]):
    """The account whose token was sent, with its companies."""

    name = serializers.CharField(read_only=True)
    companies = UserCompanySerializer(many=True, read_only=True)

    class Meta:
        model = User
        fields = ("id", "name", "email", "companies")
        read_only_fields = fields


class SavedReplySerializer(serializers.ModelSerializer[SavedReply]):
    """An answer prepared in advance, for all agents of a company."""

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
        max_length=200, required=False, allow_blank=True, help_text="In the title or the text."
    )
