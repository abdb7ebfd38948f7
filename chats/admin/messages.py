"""Messages: read, search, and reduce to a tombstone."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chatapi.admin.base import DeletedFilter, ReadOnlyAdmin, ReadOnlyInline, StateFilter
from chatapi.api.ids import parse_id
from chatapi.text.display import shorten
from chats.actions import messages as actions
from chats.admin.filters import ChatFilter, CompanyOfChatFilter, TypedFilter
from chats.admin.transcript import PAGE
from chats.models import Message, MessageRevision
from chats.representations import attachment, reactions


class AuthorFilter(TypedFilter):
    title = "author"
    parameter_name = "author"
    hint = "Chat user id"

    def narrow(self, wanted: str) -> Q:
        number = parse_id(wanted)
        return Q(pk__in=[]) if number is None else Q(author=number)


class EditedFilter(StateFilter):
    title = "edited"
    parameter_name = "edited"
    states = {
        "no": lambda rows: rows.filter(edited_at=None),
        "yes": lambda rows: rows.filter(edited_at__isnull=False),
    }


class RevisionInline(ReadOnlyInline):
    model = MessageRevision
    fields = ("text", "replaced_at")
    verbose_name_plural = "earlier texts"


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = ("seq", "chat", "author", "excerpt", "created_at", "edited")
    list_display_links = ("seq", "excerpt")
    list_select_related = ("chat", "author")
    list_filter = (ChatFilter, AuthorFilter, CompanyOfChatFilter, DeletedFilter, EditedFilter)
    # Any other order than the key would sort a table of millions of rows.
    sortable_by = ()
    search_fields = ("text",)
    search_help_text = "Part of the text. Filter by chat first; searching all messages is slow."
    date_hierarchy = "created_at"
    actions = ("delete_text",)
    inlines = (RevisionInline,)
    fields = (
        "chat",
        "seq",
        "author",
        "assurance",
        "text",
        "reply_to",
        "files",
        "reaction_counts",
        "place",
        "created_at",
        "edited_at",
        "deleted_at",
    )

    class Media:
        css = {"all": ["chats/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).select_related("chat", "author", "reply_to")

    def page_actions(self, request: HttpRequest, obj: Message) -> tuple[str, ...]:
        return () if obj.deleted_at else ("delete_text",)

    @admin.display(description="text")
    def excerpt(self, message: Message) -> str:
        return "(deleted)" if message.deleted_at else shorten(message.text, 90)

    @admin.display(description="edited", boolean=True)
    def edited(self, message: Message) -> bool:
        return message.edited_at is not None

    @admin.display(description="attachments")
    def files(self, message: Message) -> SafeString | str:
        shown = [attachment(each) for each in message.attachments or ()]
        if not shown:
            return "-"
        links = ((each["url"] or "", each["name"], each["status"]) for each in shown)
        return format_html_join(", ", '<a href="{}" rel="noreferrer">{}</a> ({})', links)

    @admin.display(description="reactions")
    def reaction_counts(self, message: Message) -> str:
        counts = reactions(message.reactions or ())
        return ", ".join(f"{each['emoji']} {each['count']}" for each in counts) or "-"

    @admin.display(description="transcript")
    def place(self, message: Message) -> SafeString:
        return format_html(
            '<a href="{}?before_seq={}#seq-{}">Show in transcript</a>',
            reverse("admin:chats_chat_change", args=[message.chat_id]),
            message.seq + PAGE // 2,
            message.seq,
        )

    @admin.action(description="Permanently delete text", permissions=["discard"])
    def delete_text(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for confirmation, because a deleted text cannot be restored."""
        if request.POST.get("confirmed"):

            def delete(message: Message) -> bool:
                actions.delete(message.chat_id, message.pk, None)
                return message.deleted_at is None

            self.act(request, queryset, delete, "deleted")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Permanently delete?",
            "opts": self.opts,
            "messages_to_delete": queryset[:1000],
            "page": request.POST.get("_page", ""),
        }
        return TemplateResponse(request, "admin/chats/message/confirm_delete.html", context)
