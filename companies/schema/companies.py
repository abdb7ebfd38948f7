"""The OpenAPI schema of companies."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Operation, Resource, describe, page
from companies.serializers.companies import CompanyInput, CompanySerializer

COMPANY: dict[str, Any] = {
    "id": 3,
    "name": "Acme Travel",
    "slug": "acme-travel",
    "logo_url": "https://acme.example.com/logo.png",
    "role": "owner",
    "verify_first_join": True,
    "mail_transcripts": False,
    "edit_window_minutes": 15,
    "chat_user_token_days": 30,
    "allowed_origins": ["https://acme.example.com"],
    "opening_hours": {
        "timezone": "Europe/Berlin",
        "monday": [["09:00", "12:30"], ["13:30", "17:00"]],
        "friday": [["09:00", "15:00"]],
    },
    "closed_text": "We are back on Monday.",
    "created_at": "2021-07-01T08:00:00.000000Z",
    "deleted_at": None,
}


companies_schema = describe(
    "companies",
    "Companies",
    Resource("company", "companies", CompanySerializer),
    list=Operation(
        shown={"One company": page("/api/companies", COMPANY)},
        answer="The account's companies.",
        query=PageQuery,
    ),
    create=Operation(
        shown={"Acme": COMPANY},
        description="For any account, which becomes the owner.",
        request=CompanyInput,
        examples={
            "Name only": {"name": "Acme Travel"},
            "With optional fields": {
                "name": "Acme Travel",
                "slug": "acme-travel",
                "logo_url": "https://acme.example.com/logo.png",
            },
        },
    ),
    retrieve=Operation(shown={"Acme": COMPANY}),
    update=Operation(
        shown={"Renamed": {**COMPANY, "name": "Acme Holidays"}},
        description="Omitted fields keep their values.",
        request=CompanyInput,
        examples={
            "Rename": {"name": "Acme Holidays"},
            "Skip verification of first joins": {"verify_first_join": False, "logo_url": ""},
            "Websites and hours": {
                "allowed_origins": COMPANY["allowed_origins"],
                "opening_hours": COMPANY["opening_hours"],
                "closed_text": COMPANY["closed_text"],
            },
        },
    ),
    destroy=Operation(
        shown={"Deleted": {**COMPANY, "deleted_at": "2021-08-01T08:00:00.000000Z"}},
        description="The company's chats are deleted with it. The operator can restore it for "
        "30 days.",
    ),
)
