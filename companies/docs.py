"""What the OpenAPI schema says of companies, their users and the caller's own account."""
# drf-spectacular is typed in part only.
# mypy: disallow_untyped_calls=False

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Answer, Operation, describe, page, page_of
from companies.serializers import (
    CompanyInput,
    CompanySerializer,
    CompanyUserAcceptInput,
    CompanyUserEdit,
    CompanyUserEnd,
    CompanyUserInput,
    CompanyUserSerializer,
    CurrentUserSerializer,
    SavedRepliesQuery,
    SavedReplyInput,
    SavedReplySerializer,
)


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.ApiTokenAuthentication"
    match_subclasses = True
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cnp_…",
            "description": "A personal access token of an account, made on the website.",
        }


COMPANY: dict[str, Any] = {
    "id": 3,
    "name": "Acme Travel",
    "slug": "acme-travel",
    "logo_url": "https://acme.example.com/logo.png",
    "role": "owner",
    "verify_first_join": True,
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
MEMBER: dict[str, Any] = {
    "id": 12,
    "company_id": 3,
    "name": "Bob Baker",
    "email": "bob@acme.example.com",
    "role": "agent",
    "status": "active",
    "created_at": "2021-07-02T10:15:00.000000Z",
    "ended_at": None,
}
INVITED: dict[str, Any] = {**MEMBER, "id": -31, "name": None, "status": "invited"}
USER: dict[str, Any] = {
    "id": 7,
    "name": "Alice Archer",
    "email": "alice@acme.example.com",
    "companies": [
        {name: COMPANY[name] for name in ("id", "name", "slug", "logo_url", "role")},
    ],
}
REPLY: dict[str, Any] = {
    "id": 5,
    "company_id": 3,
    "title": "Opening hours",
    "text": "We are here from Monday to Friday, 9 to 17.",
    "created_at": "2021-07-03T08:00:00.000000Z",
    "updated_at": "2021-07-03T08:00:00.000000Z",
}

current_user = describe(
    "current_user",
    "Current user",
    retrieve=Operation(
        "The account of the API token",
        {200: Answer(CurrentUserSerializer, {"Alice": USER}, "The account, with its companies.")},
        id="current_user",
    ),
)

companies = describe(
    "companies",
    "Companies",
    list=Operation(
        "Get all",
        {
            200: Answer(
                page_of(CompanySerializer),
                {"One company": page("/api/companies", COMPANY)},
                "The companies that the account belongs to.",
            )
        },
        query=PageQuery,
    ),
    create=Operation(
        "Create",
        {201: Answer(CompanySerializer, {"Acme": COMPANY}, "The new company.")},
        "Any account may; it becomes the owner.",
        takes=CompanyInput,
        examples={
            "A name is enough": {"name": "Acme Travel"},
            "With more": {
                "name": "Acme Travel",
                "slug": "acme-travel",
                "logo_url": "https://acme.example.com/logo.png",
            },
        },
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id or slug",
        {200: Answer(CompanySerializer, {"Acme": COMPANY}, "The company.")},
    ),
    update=Operation(
        "Edit",
        {
            200: Answer(
                CompanySerializer,
                {"Renamed": {**COMPANY, "name": "Acme Holidays"}},
                "The company as it is now.",
            )
        },
        "Managers and owners. Fields that are not sent stay as they are.",
        takes=CompanyInput,
        examples={
            "Rename": {"name": "Acme Holidays"},
            "Let guests in at once": {"verify_first_join": False, "logo_url": ""},
            "Websites and hours": {
                "allowed_origins": COMPANY["allowed_origins"],
                "opening_hours": COMPANY["opening_hours"],
                "closed_text": COMPANY["closed_text"],
            },
        },
    ),
    destroy=Operation(
        "Delete",
        {
            200: Answer(
                CompanySerializer,
                {"Deleted": {**COMPANY, "deleted_at": "2021-08-01T08:00:00.000000Z"}},
                "The company that was deleted.",
            )
        },
        "Owners. Its chats go with it; the operator can restore it for 30 days.",
    ),
)

company_users = describe(
    "company_users",
    "Company users",
    list=Operation(
        "Get all",
        {
            200: Answer(
                page_of(CompanyUserSerializer),
                {"A member and an invitation": page("/api/companies/3/users", MEMBER, INVITED)},
                "The company's members, and whom it has invited.",
            )
        },
        query=PageQuery,
    ),
    create=Operation(
        "Invite",
        {201: Answer(CompanyUserSerializer, {"Bob": INVITED}, "The invitation.")},
        "Managers and owners; only an owner makes owners. The person gets a mail, and is a member "
        "when they accept. Until then they have no access, and nothing but the address is shown, "
        "whether or not it has an account. Again, the mail is sent again, though not within ten "
        "minutes, and the role is the new one. Who declined for good gets no mail, and the answer "
        "is the same.",
        takes=CompanyUserInput,
        examples={"An agent": {"email": "bob@acme.example.com", "role": "agent"}},
        errors=(ErrorCode.ALREADY_MEMBER,),
        replays=True,
    ),
    accept=Operation(
        "Accept an invitation",
        {
            200: Answer(
                CompanyUserSerializer,
                {
                    "Bob": MEMBER,
                    "Declined": {
                        **INVITED,
                        "status": "ended",
                        "ended_at": "2021-07-02T11:00:00.000000Z",
                    },
                },
                "The caller as a member, or the invitation that was declined.",
            )
        },
        "The caller's account must have the invited address, and have proven it by a mail. On the "
        "website it can be done too, and there a person can also decline for good.",
        takes=CompanyUserAcceptInput,
        examples={"Accept": {}, "Decline": {"decline": True}},
    ),
    retrieve=Operation(
        "Get single by id",
        {
            200: Answer(
                CompanyUserSerializer,
                {"Bob": MEMBER, "Invited": INVITED},
                "The member, or the invitation.",
            )
        },
    ),
    update=Operation(
        "Edit",
        {
            200: Answer(
                CompanyUserSerializer,
                {"Promoted": {**MEMBER, "role": "manager"}},
                "The member as it is now.",
            )
        },
        "Managers and owners; only an owner makes or unmakes owners.",
        takes=CompanyUserEdit,
        examples={"Promote": {"role": "manager"}},
        errors=(ErrorCode.LAST_OWNER,),
    ),
    destroy=Operation(
        "Remove, leave, or cancel an invitation",
        {
            200: Answer(
                CompanyUserSerializer,
                {"Gone": {**MEMBER, "status": "ended", "ended_at": "2021-08-01T08:00:00.000000Z"}},
                "The member, with the end of the membership.",
            )
        },
        "Managers and owners; everybody may leave. The chat-user tokens that the membership gave "
        "die at once. The person cannot come back to the chats as a guest until a member invites "
        "them. They may know the chats' passwords: with `rotate_passwords`, which a JSON body may "
        "hold too, managers have those renewed.",
        query=CompanyUserEnd,
        errors=(ErrorCode.LAST_OWNER,),
    ),
)

saved_replies = describe(
    "saved_replies",
    "Saved replies",
    list=Operation(
        "Get all",
        {
            200: Answer(
                page_of(SavedReplySerializer),
                {"One reply": page("/api/companies/3/replies", REPLY)},
                "The answers that the company has prepared, by title.",
            )
        },
        query=SavedRepliesQuery,
    ),
    create=Operation(
        "Create",
        {201: Answer(SavedReplySerializer, {"Opening hours": REPLY}, "The new reply.")},
        "Managers and owners. A company has at most 200; a title is there once.",
        takes=SavedReplyInput,
        examples={"Opening hours": {"title": REPLY["title"], "text": REPLY["text"]}},
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {200: Answer(SavedReplySerializer, {"Opening hours": REPLY}, "The reply.")},
    ),
    update=Operation(
        "Edit",
        {
            200: Answer(
                SavedReplySerializer,
                {"Reworded": {**REPLY, "text": "We are here from 9 to 17."}},
                "The reply as it is now.",
            )
        },
        "Managers and owners. Fields that are not sent stay as they are.",
        takes=SavedReplyInput,
        examples={"Reword": {"text": "We are here from 9 to 17."}},
    ),
    destroy=Operation(
        "Delete",
        {200: Answer(SavedReplySerializer, {"Deleted": REPLY}, "The reply that was deleted.")},
        "Managers and owners.",
    ),
)
