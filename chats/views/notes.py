"""The notes of a chat, which only members see."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import account
from chatapi.api.pagination import by_creation, created
from chatapi.api.policies import READ, WRITE, Policy, Replay
from chats import representations
from chats.access import notes as access
from chats.actions import notes as actions
from chats.models import NoteRevision
from chats.permissions import Member
from chats.schema import notes as schema
from chats.serializers.messages import RevisionSerializer
from chats.serializers.notes import NoteInput, NotesQuery
from chats.views.base import EITHER, ChatView, number_of


@schema.notes
class NoteViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (Member,), (READ,)),
        "create": Policy(EITHER, (Member,), (WRITE,), replay=Replay.TO_CALLER),
        "retrieve": Policy(EITHER, (Member,), (READ,)),
        "update": Policy(EITHER, (Member,), (WRITE,)),
        "partial_update": Policy(EITHER, (Member,), (WRITE,)),
        "destroy": Policy(EITHER, (Member,), (WRITE,)),
    }

    def list(self, request: Request, chat_pk: str) -> Response:
        query = self.query(NotesQuery)
        rows = created(access.notes(self.caller.chat_id), query)
        if "after_seq" in query:
            rows = rows.filter(seq__gte=query["after_seq"])
        if "before_seq" in query:
            rows = rows.filter(seq__lt=query["before_seq"])
        rows = rows.order_by("member_seq" if query["order"] == "asc" else "-member_seq")
        ordering = access.ordering(self.caller.chat_id)
        return self.page(rows, query, render_rows, ordering, expensive=by_creation(query))

    def create(self, request: Request, chat_pk: str) -> Response:
        fields = self.body(NoteInput)
        note = actions.create(
            self.caller.chat_id, account(request), fields["text"], fields.get("mentions", ())
        )
        return Response(self.render(str(note.pk)), 201)

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        return Response(self.render(pk))

    def update(self, request: Request, chat_pk: str, pk: str) -> Response:
        fields = self.body(NoteInput)
        if fields:
            actions.edit(self.caller.chat_id, number_of(pk), account(request), **fields)
        return Response(self.render(pk))

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        author = None if self.caller.manages else account(request)
        actions.delete(self.caller.chat_id, number_of(pk), author)
        return Response(self.render(pk))

    def render(self, pk: str) -> dict[str, Any]:
        note = representations.note(access.get_note(self.caller.chat_id, pk))
        revisions = NoteRevision.objects.filter(note_id=note["id"]).order_by("pk")
        return {**note, "revisions": RevisionSerializer(revisions, many=True).data}


def render_rows(rows: list[Any]) -> list[Any]:
    return [representations.note(row) for row in rows]
