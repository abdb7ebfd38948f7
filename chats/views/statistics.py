"""The statistics of a company, for its managers."""

from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.policies import READ, Policy
from chatapi.api.views import ApiViewSet
from chats.access import statistics
from chats.schema import statistics as schema
from chats.serializers.statistics import StatisticsQuery, StatisticsSerializer
from companies.access.companies import get_company
from companies.models import Company
from companies.permissions import CompanyManager


@schema.statistics
class StatisticsViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy((ApiTokenAuthentication,), (CompanyManager,), (READ,))}

    @cached_property
    def company(self) -> Company:
        return get_company(account(self.request), self.kwargs["company_pk"])

    def retrieve(self, request: Request, company_pk: str) -> Response:
        # Not `self.query`, which caches defaults: here they depend on the current time.
        serializer = StatisticsQuery(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        query: dict[str, Any] = serializer.validated_data
        # Weight 2 of 4 slots, so that one account cannot run many of these at once.
        with self.expensive(True, settings.STATISTICS_TIMEOUT, weight=2):
            found = statistics.company_statistics(
                self.company, query["after"], query["before"], query["timezone"]
            )
        return Response(StatisticsSerializer(found).data)
