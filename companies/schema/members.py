"""The OpenAPI schema of company users: members and invitations."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.errors import ErrorCode
from chatapi.api.pagination import PageQuery
from chatapi.api.schema.describe import Operation, Resource, describe, page
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
    Resource("member", "members and invitations", CompanyUserSerializer),
    list=Operation(
        shown={"A member and an invitation": page("/api/companies/3/users", MEMBER, INVITED)},
        answer="The company's members and open invitations.",
        query=PageQuery,
    ),
    create=Operation(
        summary="Invite a member",
        shown={"Bob": INVITED},
        answer="The invitation.",
        description="Only owners can grant the role owner. The invitation is "
        "mailed, and the person becomes a member by accepting it. Until then they have no "
        "access, and only the address is shown, whether or not an account with it exists. "
        "Inviting an address again updates the role and resends the email, at most once every "
        "ten minutes. People who have blocked invitations get no email; the response is the "
        "same.",
        request=CompanyUserInput,
        examples={"An agent": {"email": "bob@acme.example.com", "role": "agent"}},
        errors=(ErrorCode.ALREADY_MEMBER,),
    ),
    accept=Operation(
        summary="Accept an invitation",
        shown={
            "Bob": MEMBER,
            "Declined": {
                **INVITED,
                "status": "ended",
                "ended_at": "2021-07-02T11:00:00.000000Z",
            },
        },
        answer="The caller as a member, or the declined invitation.",
        description="The account's email address must be verified and match the invitation. "
        "People can also answer on the website, where they can block further invitations, too.",
        request=CompanyUserAcceptInput,
        examples={"Accept": {}, "Decline": {"decline": True}},
    ),
    retrieve=Operation(
        summary="Get a member or invitation",
        shown={"Bob": MEMBER, "Invited": INVITED},
        answer="The member or the invitation.",
    ),
    update=Operation(
        summary="Change a member's role",
        shown={"Promoted": {**MEMBER, "role": "manager"}},
        description="Only owners can grant or revoke the role owner.",
        request=CompanyUserEdit,
        examples={"Promote": {"role": "manager"}},
        errors=(ErrorCode.LAST_OWNER,),
    ),
    destroy=Operation(
        summary="Remove a member, leave, or cancel an invitation",
        shown={
            "Removed": {
                **MEMBER,
                "status": "ended",
                "ended_at": "2021-08-01T08:00:00.000000Z",
            }
        },
        answer="The member, with the end of the membership in `ended_at`.",
        description="For managers and owners; any member can leave. Chat-user tokens that depend "
        "on the membership are revoked immediately. The person cannot return to the "
        "chats as a guest until a member invites them. Because they may know the "
        "chats' passwords, managers and owners can replace those with "
        "`rotate_passwords`, as a parameter or in a JSON body.",
        query=CompanyUserEnd,
        errors=(ErrorCode.LAST_OWNER,),
    ),
)
