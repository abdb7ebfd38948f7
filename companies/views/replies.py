"""The routes of saved replies: all members read them, managers write them."""

from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiTokenAuthentication, account
from chatapi.api.pagination import created
from chatapi.api.policies import READ, WRITE, Policy, Replay
from chatapi.api.views import ApiViewSet
from companies.access.companies import get_company
from companies.access.replies import get_saved_reply, replies_ordering, saved_replies
from companies.actions.replies import create_reply, delete_reply, update_reply
from companies.models import Company, SavedReply
from companies.permissions import CompanyManager, CompanyMember
from companies.schema.replies import replies_schema
from companies.serializers.replies import SavedRepliesQuery, SavedReplyInput, SavedReplySerializer

API_TOKEN = (ApiTokenAuthentication,)


def show(found: list[SavedReply]) -> list[Any]:
    return list(SavedReplySerializer(found, many=True).data)


@replies_schema
class SavedReplyViewSet(ApiViewSet):
    policies: ClassVar = {
        "list": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "create": Policy(API_TOKEN, (CompanyManager,), (WRITE,), replay=Replay.TO_CALLER),
        "retrieve": Policy(API_TOKEN, (CompanyMember,), (READ,)),
        "update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "partial_update": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
        "destroy": Policy(API_TOKEN, (CompanyManager,), (WRITE,)),
    }

    @cached_property
    def company(self) -> Company:
        return get_company(account(self.request), self.kwargs["company_pk"])

    def list(self, request: Request, company_pk: str) -> Response:
        query = self.query(SavedRepliesQuery)
        rows = created(saved_replies(self.company), query)
        if query.get("q"):
            rows = rows.filter(Q(title__icontains=query["q"]) | Q(text__icontains=query["q"]))
        return self.page(rows, query, show, replies_ordering(self.company))

    def create(self, request: Request, company_pk: str) -> Response:
        reply = create_reply(self.company, **self.body(SavedReplyInput))
        return Response(SavedReplySerializer(reply).data, 201)

    def retrieve(self, request: Request, company_pk: str, pk: str) -> Response:
        return Response(SavedReplySerializer(get_saved_reply(self.company, pk)).data)

    def update(self, request: Request, company_pk: str, pk: str) -> Response:
        reply = get_saved_reply(self.company, pk)
        changed = update_reply(reply, self.body(SavedReplyInput))
        return Response(SavedReplySerializer(changed).data)

    def destroy(self, request: Request, company_pk: str, pk: str) -> Response:
        reply = get_saved_reply(self.company, pk)
        return Response(SavedReplySerializer(delete_reply(reply)).data)
