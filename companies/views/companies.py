"""The routes of companies."""

from functools import cached_property
from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.pagination import PageQuery, created
from chatapi.api.policies import READ, WRITE, Policy, Replay
from chatapi.api.views import ApiViewSet
from companies.access.companies import COMPANIES_ORDERING, companies_for, get_company
from companies.actions.companies import create_company, delete_company, update_company
from companies.models import Company
from companies.permissions import CompanyManager, CompanyMember, CompanyOwner
from companies.schema.companies import companies_schema
from companies.serializers.companies import CompanyInput, CompanySerializer

API_TOKEN = (ApiTokenAuthentication,)


def show_companies(found: list[Company]) -> list[Any]:
    return list(CompanySerializer(found, many=True).data)


@companies_schema
class CompanyViewSet(ApiViewSet):
    policies: ClassVar = {
        "list": Policy(API_TOKEN, (IsAuthenticated,), (READ,)),
        "create": Policy(API_TOKEN, (IsAuthenticated,), (WRITE,), replay=Replay.TO_CALLER),
        "retrieve": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "partial_update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "destroy": Policy(API_TOKEN, (CompanyOwner,), (WRITE,)),
    }

    @cached_property
    def company(self) -> Company:
        return get_company(account(self.request), self.kwargs["pk"])

    def list(self, request: Request) -> Response:
        query = self.query(PageQuery)
        rows = created(companies_for(account(request)), query)
        return self.page(rows, query, show_companies, COMPANIES_ORDERING)

    def create(self, request: Request) -> Response:
        company = create_company(account(request), **self.body(CompanyInput))
        return Response(CompanySerializer(company).data, 201)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(CompanySerializer(self.company).data)

    def update(self, request: Request, pk: str) -> Response:
        company = update_company(self.company, self.body(CompanyInput))
        return Response(CompanySerializer(company).data)

    def destroy(self, request: Request, pk: str) -> Response:
        return Response(CompanySerializer(delete_company(self.company)).data)
