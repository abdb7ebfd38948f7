"""The OpenAPI schema of the caller's own account and its tokens."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from chatapi.api.schema.describe import Operation, Response, describe
from companies.schema.companies import COMPANY
from companies.serializers.current_user import CurrentUserSerializer


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.ApiTokenAuthentication"
    match_subclasses = True
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cnp_…",
            "description": "An account's personal access token, created on the website.",
        }


USER: dict[str, Any] = {
    "id": 7,
    "name": "Alice Archer",
    "email": "alice@acme.example.com",
    "companies": [
        {name: COMPANY[name] for name in ("id", "name", "slug", "logo_url", "role")},
    ],
}


current_user_schema = describe(
    "current_user",
    "Current user",
    retrieve=Operation(
        "Get the current account",
        {200: Response(CurrentUserSerializer, {"Alice": USER}, "The account and its companies.")},
        id="current_user",
    ),
)
