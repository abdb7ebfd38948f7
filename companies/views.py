"""The routes of companies, their users, and the caller's own account."""

from functools import cached_property
from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.idempotency import once
from chatapi.api.language import callers_language
from chatapi.api.pagination import PageQuery, created
from chatapi.api.views import READ, WRITE, ApiViewSet, Policy
from chatapi.limits.limiter import Charge
from companies import access, actions, docs
from companies.limits import invitation_charges
from companies.models import Company, Membership, Role
from companies.permissions import CompanyManager, CompanyMember, CompanyOwner
from companies.serializers import (
    CompanyInput,
    CompanySerializer,
    CompanyUserAcceptInput,
    CompanyUserEdit,
    CompanyUserEnd,
    CompanyUserInput,
    CompanyUserSerializer,
    CurrentUserSerializer,
)

API_TOKEN = (ApiTokenAuthentication,)


def show_companies(found: list[Company]) -> list[Any]:
    return list(CompanySerializer(found, many=True).data)


def show_users(found: list[Membership]) -> list[Any]:
    return list(CompanyUserSerializer(found, many=True).data)


@docs.current_user
class CurrentUserViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy(API_TOKEN, (IsAuthenticated,), (READ,))}

    def retrieve(self, request: Request) -> Response:
        user = account(request)
        user.companies = list(access.companies(user))  # type: ignore[attr-defined]
        return Response(CurrentUserSerializer(user).data)


@docs.companies
class CompanyViewSet(ApiViewSet):
    policies: ClassVar = {
        "list": Policy(API_TOKEN, (IsAuthenticated,), (READ,)),
        "create": Policy(API_TOKEN, (IsAuthenticated,), (WRITE,)),
        "retrieve": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "partial_update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "destroy": Policy(API_TOKEN, (CompanyOwner,), (WRITE,)),
    }

    @cached_property
    def company(self) -> Company:
        return access.company(account(self.request), self.kwargs["pk"])

    def list(self, request: Request) -> Response:
        query = self.query(PageQuery)
        rows = created(access.companies(account(request)), query)
        return self.page(rows, query, show_companies, access.COMPANIES)

    def create(self, request: Request) -> Response:
        fields = self.body(CompanyInput)
        return once(
            request,
            lambda: Response(
                CompanySerializer(actions.create_company(account(request), **fields)).data, 201
            ),
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(CompanySerializer(self.company).data)

    def update(self, request: Request, pk: str) -> Response:
        company = actions.update_company(self.company, self.body(CompanyInput))
        return Response(CompanySerializer(company).data)

    def destroy(self, request: Request, pk: str) -> Response:
        return Response(CompanySerializer(actions.delete_company(self.company)).data)


@docs.company_users
class CompanyUserViewSet(ApiViewSet):
    policies: ClassVar = {
        "list": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "create": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "accept": Policy(API_TOKEN, (IsAuthenticated,), (WRITE,)),
        "retrieve": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "partial_update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        # A member may always leave; taking out another one is the managers', as the action says.
        "destroy": Policy(API_TOKEN, (CompanyMember,), (WRITE,)),
    }

    @cached_property
    def company(self) -> Company:
        return access.company(account(self.request), self.kwargs["company_pk"])

    @property
    def role(self) -> Role:
        return Role(self.company.role)  # type: ignore[attr-defined]

    def list(self, request: Request, company_pk: str) -> Response:
        query = self.query(PageQuery)
        rows = created(access.memberships(self.company), query)
        return self.page(rows, query, show_users, access.ordering_of_members(self.company))

    def create(self, request: Request, company_pk: str) -> Response:
        fields = self.body(CompanyUserInput)
        role = Role(fields["role"])

        def make() -> Response:
            self.charge(
                Charge("CODE_MAIL", f"company {self.company.pk} {fields['email']}"),
                *invitation_charges(account(request), self.company),
                shown=False,
            )
            with callers_language(request):
                membership = actions.invite_member(self.company, self.role, fields["email"], role)
            return Response(CompanyUserSerializer(membership).data, 201)

        return once(request, make)

    @action(detail=False, methods=["post"])
    def accept(self, request: Request, company_pk: str) -> Response:
        declines = self.body(CompanyUserAcceptInput)["decline"]
        user = account(request)
        invitation = access.invitation_to(user, company_pk)
        if declines:
            answered = actions.decline_invitation(invitation)
        else:
            answered = actions.accept_invitation(invitation, user)
        return Response(CompanyUserSerializer(answered).data)

    def retrieve(self, request: Request, company_pk: str, pk: str) -> Response:
        return Response(CompanyUserSerializer(access.membership(self.company, pk)).data)

    def update(self, request: Request, company_pk: str, pk: str) -> Response:
        membership = access.membership(self.company, pk)
        fields = self.body(CompanyUserEdit)
        if "role" in fields:
            membership = actions.change_role(membership, self.role, Role(fields["role"]))
        return Response(CompanyUserSerializer(membership).data)

    def destroy(self, request: Request, company_pk: str, pk: str) -> Response:
        membership = access.membership(self.company, pk)
        leaves = membership.user_id == account(request).pk
        fields = self.query(CompanyUserEnd) | self.body(CompanyUserEnd)
        ended = actions.end_membership(membership, self.role, leaves=leaves, **fields)
        return Response(CompanyUserSerializer(ended).data)
