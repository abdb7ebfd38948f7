"""Chats, their passwords and their logs."""

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import account
from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.pagination import is_deep, is_first_page, is_next_page
from chatapi.api.policies import READ, WRITE, Policy, Replay, token
from chats import representations
from chats.access import chats as access
from chats.access import events as event_access
from chats.actions import chats as actions
from chats.hints import LogPosition
from chats.models import Chat
from chats.permissions import InChat, Manager, Member, Participant
from chats.schema import chats as schema
from chats.serializers.chats import (
    ChatEdit,
    ChatInput,
    ChatsQuery,
    ReadInput,
    ShareInput,
    TypingInput,
)
from chats.serializers.events import START, EventsQuery, MemberEventsQuery
from chats.views.base import API_TOKEN, EITHER, ChatView, render_chats
from companies.access.companies import by_id_or_slug, companies_for

Chats = list[Chat]  # `list` is shadowed by the route below


@schema.chats
class ChatViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (IsAuthenticated,), (READ,)),
        "create": Policy(API_TOKEN, (IsAuthenticated,), (WRITE,), replay=Replay.TO_CALLER),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "update": Policy(EITHER, (Member,), (WRITE,)),
        "partial_update": Policy(EITHER, (Member,), (WRITE,)),
        "destroy": Policy(EITHER, (Manager,), (WRITE,)),
        "share": Policy(EITHER, (InChat,), (WRITE,), replay=Replay.TO_CALLER),
        "events": Policy(EITHER, (InChat,), (READ,)),
        "read": Policy(EITHER, (Participant,), (WRITE,)),
        "typing": Policy(EITHER, (Participant,), (WRITE,)),
    }

    def list(self, request: Request) -> Response:
        query = self.query(ChatsQuery)
        size = query["per_page"] + 1
        if isinstance(request.user, User):
            if is_first_page(query):
                first = access.first_page(request.user, query["order"], size)
                return self.render_page(first, query)
            if is_next_page(query):
                position = access.ORDERING.position(query)
                after = access.next_page(request.user, position, query["order"], size)
                return self.render_page(after, query)
        with self.expensive("q" in query or is_deep(query)):
            found = [*access.matching_page(request, query)]
        return self.render_page(found, query)

    def render_page(self, found: Chats, query: dict[str, Any]) -> Response:
        return self.found(
            found, query, lambda rows: render_chats(self.request, rows), access.ORDERING
        )

    def create(self, request: Request) -> Response:
        fields = self.body(ChatInput)
        company = (
            companies_for(account(request)).filter(by_id_or_slug(fields.pop("company_id"))).first()
        )
        if company is None:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED,
                "You have no company with this id or slug.",
                "company_id",
            )
        chat = actions.create(company, **fields)
        (rendered,) = render_chats(request, [access.visible_chats(request).get(pk=chat.pk)])
        return Response(rendered, 201)

    def retrieve(self, request: Request, pk: str) -> Response:
        (rendered,) = render_chats(request, [access.get_chat(request, self.caller)])
        return Response(rendered)

    def update(self, request: Request, pk: str) -> Response:
        fields = self.body(ChatEdit)
        if "password" in fields:
            self.caller.require_manager()
        actions.update(self.caller.chat_id, fields)
        return self.retrieve(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        chat = actions.delete(access.get_chat(request, self.caller))
        (rendered,) = render_chats(request, [chat])
        return Response(rendered)

    @action(detail=True, methods=["post"])
    def share(self, request: Request, pk: str) -> Response:
        sent = token(request)
        if sent is not None and sent.missing_scope("GET"):
            # The password allows joining, and so reading.
            raise ApiError(ErrorCode.SCOPE_MISSING, "This token lacks the scope `read`.")
        if self.body(ShareInput).get("rotate", False):
            self.caller.require_manager()
            chat = actions.rotate_password(self.caller.chat_id)
        else:
            chat = access.get_chat(request, self.caller)
        password = actions.password_of(chat)
        return Response({"password": password, "url": actions.join_url(chat, password)})

    @action(detail=True, methods=["get"])
    def events(self, request: Request, pk: str) -> Response:
        # `chats.stream.longpoll` handles `wait`, and calls this view again when there is an event.
        if self.caller.is_member:
            return Response(self.both_logs(self.query(MemberEventsQuery)))
        query = self.query(EventsQuery)
        rows = event_access.events_after(self.caller.chat_id, query["after"], query["limit"])
        data = [representations.event(row) for row in rows]
        last_seq = max(self.caller.last_seq, data[-1]["seq"] if data else 0)
        return Response({"data": data, "last_seq": last_seq})

    def both_logs(self, query: dict[str, Any]) -> dict[str, Any]:
        """A page of both logs of the chat. With a seq alone, from that event on."""
        chat_id, (seq, member_seq) = self.caller.chat_id, query.get("after", START)
        head = event_access.heads([chat_id]).get(chat_id)
        if head is None:
            raise not_found()
        after = LogPosition(seq, member_seq or 0)
        if member_seq is None and seq and head.member_seq:
            after = LogPosition(seq, event_access.member_seq_before(chat_id, seq))
        found = event_access.entries_after(chat_id, after.total, query["limit"], head)
        last = found[-1][0] if found else min(after, head)
        if member_seq is None and seq and last.seq == seq:
            # A reader that continues by seqs alone would ask for the same page again and again.
            if head.seq > seq:
                following = LogPosition(seq + 1, event_access.member_seq_before(chat_id, seq + 1))
                size = following.total - after.total
                found = event_access.entries_after(chat_id, after.total, size, head)
                last = following
            elif query["wait"]:
                found, last = [], min(after, head)
        return {
            "data": [representations.event(row) for _, row in found],
            "last_seq": head.seq,
            "last_member_seq": head.member_seq,
            "last_id": last.whole,
        }

    @action(detail=True, methods=["put"])
    def read(self, request: Request, pk: str) -> Response:
        chat_user = self.caller.chat_user
        assert chat_user is not None
        seq = min(self.body(ReadInput).get("seq", 0), self.caller.last_seq)
        return Response({"seq": actions.mark_read(chat_user, seq)})

    @action(detail=True, methods=["post"])
    def typing(self, request: Request, pk: str) -> Response:
        chat_user = self.caller.chat_user
        assert chat_user is not None
        expires_at = actions.publish_typing(chat_user, self.body(TypingInput)["typing"])
        return Response({"expires_at": expires_at})
