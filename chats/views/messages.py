"""The messages of a chat."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.cursors import Ordering
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.idempotency import REPLAYED, fingerprint, read_key
from chatapi.api.pagination import Links, by_creation, created, frame, is_first_page
from chatapi.api.policies import READ, WRITE, Policy, Replay, upload_bytes
from chatapi.files.uploads import Upload
from chats import representations
from chats.access import messages as access
from chats.actions import messages as actions
from chats.models import MessageRevision
from chats.permissions import AuthorOrManager, InChat, Participant
from chats.schema import messages as schema
from chats.serializers.messages import (
    MessageEdit,
    MessageInput,
    MessageInputWithFiles,
    MessagesQuery,
    RevisionSerializer,
)
from chats.views.base import EITHER, ChatView, limit_sends, number_of, upload_charge

Rows = list[dict[str, Any]]  # `list` is shadowed by the route below
Uploads = list[Upload]


@schema.messages
class MessageViewSet(ChatView):
    policies: ClassVar = {
        "list": Policy(EITHER, (InChat,), (READ,)),
        "create": Policy(
            EITHER,
            (Participant,),
            (WRITE, limit_sends),
            replay=Replay.BY_ACTION,
            max_upload_bytes=upload_bytes(settings.MAX_FILES),
        ),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "update": Policy(EITHER, (Participant,), (WRITE,)),
        "partial_update": Policy(EITHER, (Participant,), (WRITE,)),
        "destroy": Policy(EITHER, (AuthorOrManager,), (WRITE,)),
    }

    def list(self, request: Request, chat_pk: str) -> Response:
        query = self.query(MessagesQuery)
        if is_first_page(query):
            size = query["per_page"] + 1
            first = access.first_page(self.caller.chat_id, query["order"], size)
            return self.found(first, query, render_rows, self.ordering)
        expensive = by_creation(query)
        if query.keys() & set(MessagesQuery.ANCHORS):
            with self.expensive(expensive):
                return Response(self.window(query))
        if "cursor" in query:
            with self.expensive(expensive):
                found = self.from_cursor(query)
            return self.found(found, query, render_rows, self.ordering)
        rows = self.rows(query).order_by("seq" if query["order"] == "asc" else "-seq")
        return self.page(rows, query, render_rows, self.ordering, expensive=expensive)

    @property
    def ordering(self) -> Ordering:
        return access.ordering(self.caller.chat_id)

    def rows(self, query: dict[str, Any]) -> Any:
        return created(access.messages(self.caller.chat_id), query)

    def from_cursor(self, query: dict[str, Any]) -> Rows:
        (seq,) = self.ordering.position(query)
        side = "after" if query["order"] == "asc" else "before"
        return self.adjacent(side, {**query, f"{side}_seq": seq})

    def window(self, query: dict[str, Any]) -> dict[str, Any]:
        """A page around an anchor seq, at the same cost at any depth."""
        size = query["per_page"]
        older = newer = True  # whether there may be more messages on that side
        if "before_seq" in query:
            found = self.adjacent("before", query)
            older = len(found) > size
            found = found[:size][::-1]
        else:
            if "after_seq" in query:
                found = self.adjacent("after", query)
                older = query["after_seq"] > 0
            else:
                chat_id, seq = self.caller.chat_id, query["around_seq"]
                found = list(access.messages_around(self.rows(query), chat_id, seq, size))
            newer = len(found) > size
            found = found[:size]
        ascending = query["order"] == "asc"
        has_next = found and (newer if ascending else older)
        cursor = self.ordering.cursor(found[-1 if ascending else 0], query) if has_next else None
        links = Links(self.request, query, {*MessagesQuery.ANCHORS, "page"})
        to_older = links.to("before_seq", found[0]["seq"]) if found and older else None
        to_newer = links.to("after_seq", found[-1]["seq"]) if found and newer else None
        page = render_rows(found if ascending else found[::-1])
        return {
            **frame(links, {**query, "page": 1}, page, cursor),
            "first_page_url": links.plain(),
            "next_page_url": to_newer if ascending else to_older,
            "prev_page_url": to_older if ascending else to_newer,
        }

    def adjacent(self, side: str, query: dict[str, Any]) -> Rows:
        """A page of messages next to the anchor, plus one, nearest first."""
        seq, size = query[f"{side}_seq"], query["per_page"] + 1
        if not query.keys() & {"before", "after"}:
            return access.adjacent_messages(side, self.caller.chat_id, seq, size)
        rows = self.rows(query)
        if side == "before":
            return list(rows.filter(seq__lt=seq).order_by("-seq")[:size])
        return list(rows.filter(seq__gt=seq).order_by("seq")[:size])

    def create(self, request: Request, chat_pk: str) -> Response:
        files = self.sent_files()
        fields = self.body(MessageInputWithFiles if files else MessageInput)
        if len(files) + len(fields.get("attachment_ids", ())) > settings.MAX_FILES:
            raise too_many_files()
        author = self.caller.chat_user
        assert author is not None
        key = read_key(request)
        content = {"files": [(file.name, file.sha256.hex()) for file in files]} if files else {}
        request_hash = fingerprint({**fields, **content}) if key else b""
        further = {
            "reply_to_id": fields.get("reply_to_id"),
            "attachment_ids": fields.get("attachment_ids", ()),
            "mentions": fields.get("mentions", ()),
        }
        if files:
            message, replayed = actions.send_with_files(
                author, fields["text"], files, key, request_hash, **further
            )
        else:
            message, replayed = actions.send(author, fields["text"], key, request_hash, **further)
        return Response(message, 201, headers=REPLAYED if replayed else None)

    def sent_files(self) -> Uploads:
        """The files of a multipart body. Raises ApiError 422 when there are too many, and 429."""
        if not isinstance(self.request.data, QueryDict):
            return []
        files = self.request.FILES.getlist("file")
        if len(files) > settings.MAX_FILES:
            raise too_many_files()
        if files and (charge := upload_charge(self.request, len(files))):
            self.charge(charge)
        return [*files]

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        return Response(self.render(pk))

    def update(self, request: Request, chat_pk: str, pk: str) -> Response:
        fields = self.body(MessageEdit)
        author = self.caller.chat_user
        assert author is not None
        if "text" in fields:
            actions.edit(author, number_of(pk), fields["text"])
        return Response(self.render(pk))

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        actions.delete(self.caller.chat_id, number_of(pk), self.caller.chat_user)
        return Response(self.render(pk))

    def render(self, pk: str) -> dict[str, Any]:
        message = representations.message(access.get_message(self.caller.chat_id, pk))
        if self.caller.is_member:
            revisions = MessageRevision.objects.filter(message_id=message["id"]).order_by("pk")
            message["revisions"] = RevisionSerializer(revisions, many=True).data
        return message


def too_many_files() -> ApiError:
    sentence = f"A message can have at most {settings.MAX_FILES} files."
    return ApiError(ErrorCode.VALIDATION_FAILED, sentence, "file")


def render_rows(rows: list[Any]) -> list[Any]:
    return [representations.message(row) for row in rows]
