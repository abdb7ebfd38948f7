"""The caller's own account in the API."""

from rest_framework import serializers

from accounts.models import User
from companies.models import Company, Role


class UserCompanySerializer(serializers.ModelSerializer[Company]):
    role = serializers.ChoiceField(Role.choices, read_only=True)
    logo_url = serializers.CharField(read_only=True, help_text="Empty if there is no logo.")

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
