"""The routes of company users: members and invitations."""

from functools import cached_property
from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.language import callers_language
from chatapi.api.pagination import PageQuery, created
from chatapi.api.policies import READ, WRITE, Policy, Replay
from chatapi.api.views import ApiViewSet
from chatapi.limits.limiter import Charge
from companies.access.companies import get_company
from companies.access.invitations import get_invitation_to
from companies.access.members import get_membership, members_ordering, memberships
from companies.actions.invitations import accept_invitation, decline_invitation, invite_member
from companies.actions.members import change_role, end_membership
from companies.limits import invitation_charges
from companies.models import Company, Membership, Role
from companies.permissions import CompanyManager, CompanyMember
from companies.schema.members import members_schema
from companies.serializers.members import (
    CompanyUserAcceptInput,
    CompanyUserEdit,
    CompanyUserEnd,
    CompanyUserInput,
    CompanyUserSerializer,
)

API_TOKEN = (ApiTokenAuthentication,)


def show_users(found: list[Membership]) -> list[Any]:
    return list(CompanyUserSerializer(found, many=True).data)


@members_schema
class CompanyUserViewSet(ApiViewSet):
    policies: ClassVar = {
        "list": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "create": Policy(API_TOKEN, (CompanyManager,), (WRITE,), replay=Replay.TO_CALLER),
        "accept": Policy(API_TOKEN, (IsAuthenticated,), (WRITE,)),
        "retrieve": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "partial_update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        # Any member may leave; `end_membership` lets only managers remove others.
        "destroy": Policy(API_TOKEN, (CompanyMember,), (WRITE,)),
    }

    @cached_property
    def company(self) -> Company:
        return get_company(account(self.request), self.kwargs["company_pk"])

    @property
    def role(self) -> Role:
        return Role(self.company.role)

    def list(self, request: Request, company_pk: str) -> Response:
        query = self.query(PageQuery)
        rows = created(memberships(self.company), query)
        return self.page(rows, query, show_users, members_ordering(self.company))

    def create(self, request: Request, company_pk: str) -> Response:
        fields = self.body(CompanyUserInput)
        self.charge(
            Charge("CODE_MAIL", f"company {self.company.pk} {fields['email']}"),
            *invitation_charges(account(request), self.company),
            shown=False,
        )
        with callers_language(request):
            membership = invite_member(
                self.company, self.role, fields["email"], Role(fields["role"])
            )
        return Response(CompanyUserSerializer(membership).data, 201)

    @action(detail=False, methods=["post"])
    def accept(self, request: Request, company_pk: str) -> Response:
        declines = self.body(CompanyUserAcceptInput)["decline"]
        user = account(request)
        invitation = get_invitation_to(user, company_pk)
        if declines:
            answered = decline_invitation(invitation)
        else:
            answered = accept_invitation(invitation, user)
        return Response(CompanyUserSerializer(answered).data)

    def retrieve(self, request: Request, company_pk: str, pk: str) -> Response:
        return Response(CompanyUserSerializer(get_membership(self.company, pk)).data)

    def update(self, request: Request, company_pk: str, pk: str) -> Response:
        membership = get_membership(self.company, pk)
        fields = self.body(CompanyUserEdit)
        if "role" in fields:
            membership = change_role(membership, self.role, Role(fields["role"]))
        return Response(CompanyUserSerializer(membership).data)

    def destroy(self, request: Request, company_pk: str, pk: str) -> Response:
        membership = get_membership(self.company, pk)
        leaves = membership.user_id == account(request).pk
        fields = self.query(CompanyUserEnd) | self.body(CompanyUserEnd)
        ended = end_membership(membership, self.role, leaves=leaves, **fields)
        return Response(CompanyUserSerializer(ended).data)
