"""The events of all chats of the caller."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import account
from chatapi.api.policies import READ, Policy
from chatapi.api.views import ApiViewSet
from chats.access import events as access
from chats.hints import Position
from chats.schema import events as schema
from chats.serializers.events import AllEventSerializer, AllEventsQuery, PositionField
from chats.views.base import API_TOKEN
from companies.access.companies import companies_for

MAX_CHEAP_COMPANIES = 20  # one query each


@schema.events
class EventViewSet(ApiViewSet):
    policies: ClassVar = {"list": Policy(API_TOKEN, (IsAuthenticated,), (READ,))}

    def list(self, request: Request) -> Response:
        query = self.query(AllEventsQuery)
        now = Position.at(timezone.now())
        last_id, after = query.get("after", (str(now), now))
        company_ids = list(companies_for(account(request)).values_list("pk", flat=True))
        with self.expensive(len(company_ids) > MAX_CHEAP_COMPANIES):
            rows = access.company_events(company_ids, after, query["limit"])
        data: list[Any] = [AllEventSerializer(row).data for row in rows]
        if data:
            last_id = data[-1]["id"]
        if len(data) == query["limit"]:
            last_id += PositionField.NEXT_PAGE
        return Response({"data": data, "last_id": last_id})
