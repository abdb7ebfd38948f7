"""Company users in the API: members and invitations."""

from typing import Any

from rest_framework import serializers

from companies.models import Membership, Role
from companies.serializers.fields import EmailField


class CompanyUserSerializer(serializers.ModelSerializer[Membership]):
    """A member of a company, or an invitation, of which only the address is known."""

    id = serializers.IntegerField(
        source="public_id",
        read_only=True,
        help_text="The account's id. Invitations have a negative id until they are accepted.",
    )
    name = serializers.CharField(
        read_only=True, allow_null=True, help_text="Null until the invitation is accepted."
    )
    email = serializers.EmailField(source="address", read_only=True)
    company_id = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField(
        Membership.Status.choices,
        read_only=True,
        help_text="`invited` means no access yet; `ended` means just removed.",
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
        required=False, help_text="Replace the passwords of the chats that this person could see."
    )


class CompanyUserAcceptInput(serializers.Serializer[Any]):
    decline = serializers.BooleanField(
        default=False, help_text="Decline the invitation instead of accepting it."
    )


class CompanyUserEdit(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices, required=False)
