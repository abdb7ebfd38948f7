"""The route of the caller's own account."""

from typing import ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.policies import READ, Policy
from chatapi.api.views import ApiViewSet
from companies.access.companies import companies_for
from companies.schema.current_user import current_user_schema
from companies.serializers.current_user import CurrentUserSerializer

API_TOKEN = (ApiTokenAuthentication,)


@current_user_schema
class CurrentUserViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy(API_TOKEN, (IsAuthenticated,), (READ,))}

    def retrieve(self, request: Request) -> Response:
        user = account(request)
        user.companies = list(companies_for(user))  # type: ignore[attr-defined]  # for the serializer
        return Response(CurrentUserSerializer(user).data)
