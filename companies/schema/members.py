"""The OpenAPI schema of company users: members and invitations."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Operation, Response, describe, page, page_of
from companies.serializers.members import (
    CompanyUserAcceptInput,
    CompanyUserEdit,
    CompanyUserEnd,
    CompanyUserInput,
    CompanyUserSerializer,
)

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


members_schema = describe(
    "company_users",
    "Company users",
    list=Operation(
        "Get all",
        {
            200: Response(
                page_of(CompanyUserSerializer),
                {"A member and an invitation": page("/api/companies/3/users", MEMBER, INVITED)},
                "The company's members, and whom it has invited.",
            )
        },
        query=PageQuery,
    ),
    create=Operation(
        "Invite",
        {201: Response(CompanyUserSerializer, {"Bob": INVITED}, "The invitation.")},
        "Managers and owners; only an owner makes owners. The person gets a mail, and is a member "
        "when they accept. Until then they have no access, and nothing but the address is shown, "
        "whether or not it has an account. Again, the mail is sent again, though not within ten "
        "minutes, and the role is the new one. Who declined for good gets no mail, and the answer "
        "is the same.",
        request=CompanyUserInput,
        examples={"An agent": {"email": "bob@acme.example.com", "role": "agent"}},
        errors=(ErrorCode.ALREADY_MEMBER,),
        replays=True,
    ),
    accept=Operation(
        "Accept an invitation",
        {
            200: Response(
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
        request=CompanyUserAcceptInput,
        examples={"Accept": {}, "Decline": {"decline": True}},
    ),
    retrieve=Operation(
        "Get single by id",
        {
            200: Response(
                CompanyUserSerializer,
                {"Bob": MEMBER, "Invited": INVITED},
                "The member, or the invitation.",
            )
        },
    ),
    update=Operation(
        "Edit",
        {
            200: Response(
                CompanyUserSerializer,
                {"Promoted": {**MEMBER, "role": "manager"}},
                "The member as it is now.",
            )
        },
        "Managers and owners; only an owner makes or unmakes owners.",
        request=CompanyUserEdit,
        examples={"Promote": {"role": "manager"}},
        errors=(ErrorCode.LAST_OWNER,),
    ),
    destroy=Operation(
        "Remove, leave, or cancel an invitation",
        {
            200: Response(
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
