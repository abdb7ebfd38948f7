"""Chats, with their transcripts."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from rest_framework.exceptions import ValidationError as ApiValidationError

from chatapi.admin.base import DeletedFilter, ReadOnlyInline, StaffAdmin
from chatapi.api.errors import flatten
from chats.actions import chats as actions
from chats.admin.filters import CompanyFilter
from chats.admin.transcript import transcript
from chats.models import Chat, ChatUser, Event
from chats.serializers.chats import Metadata

if TYPE_CHECKING:
    ChatModelForm = forms.ModelForm[Chat]
else:
    ChatModelForm = forms.ModelForm


class ChatForm(ChatModelForm):
    class Meta:
        widgets = {"metadata": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})}

    def clean_metadata(self) -> dict[str, Any]:
        """Apply the rules of the API."""
        try:
            value: dict[str, Any] = Metadata().run_validation(self.cleaned_data["metadata"] or {})
        except ApiValidationError as error:
            sentences = [each for found in flatten(error.detail).values() for each in found]
            raise forms.ValidationError(sentences) from None
        return value


class ChatUserInline(ReadOnlyInline):
    model = ChatUser
    fields = ("email", "role", "status", "assurance", "joined_at", "left_at")
    show_change_link = True
    verbose_name_plural = "chat users (newest 100)"


def users_count() -> Coalesce:
    counted = (
        ChatUser.objects.filter(chat=OuterRef("pk"), status=ChatUser.Status.ACTIVE)
        .order_by()
        .values("chat")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)


def last_activity() -> Subquery:
    """The time of the newest event, read by its key. An aggregate would read all events."""
    newest = Event.objects.filter(chat_id=OuterRef("pk"), seq=OuterRef("last_seq"))
    return Subquery(newest.values("created_at"))


@admin.register(Chat)
class ChatAdmin(StaffAdmin):
    """Chats. The action that changes name and metadata also appends the event."""

    form = ChatForm
    list_display = (
        "shown_name",
        "company",
        "status",
        "users",
        "activity",
        "created_at",
        "deleted_at",
    )
    list_select_related = ("company",)
    list_filter = ("status", DeletedFilter, CompanyFilter)
    search_fields = ("name", "external_id", "id__exact", "users__email")
    search_help_text = "Name, external_id, id or a chat user's email address"
    date_hierarchy = "created_at"
    actions = ("close", "reopen", "delete_softly", "restore")
    inlines = (ChatUserInline,)
    fieldsets = (
        (None, {"fields": ("name", ("company", "state", "external_id"), "metadata")}),
        (
            "Activity",
            {"fields": (("events", "activity"), ("created_at", "deleted_at"), "people")},
        ),
    )
    readonly_fields = (
        "company",
        "state",
        "external_id",
        "events",
        "activity",
        "people",
        "created_at",
        "deleted_at",
    )

    class Media:
        css = {"all": ["chats/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        rows: QuerySet[Chat] = super().get_queryset(request)
        rows = rows.select_related("company").defer("sealed_password")
        return rows.annotate(users_total=users_count(), active_at=last_activity())  # type: ignore[no-redef]  # declared by the model

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and (obj.deleted_at or obj.company.deleted_at):
            return False
        return super().has_change_permission(request, obj)

    def page_actions(self, request: HttpRequest, obj: Chat) -> tuple[str, ...]:
        if obj.deleted_at:
            return ("restore",)
        return ("close" if obj.status == Chat.Status.OPEN else "reopen", "delete_softly")

    @admin.display(description="chat", ordering="name")
    def shown_name(self, chat: Chat) -> str:
        return str(chat)

    @admin.display(description="status")
    def state(self, chat: Chat) -> str:
        if chat.deleted_at:
            return "deleted"
        return "company deleted" if chat.company.deleted_at else chat.status

    @admin.display(description="current users")
    def users(self, chat: Chat) -> int:
        return int(chat.users_total)

    @admin.display(description="last activity")
    def activity(self, chat: Chat) -> str:
        at = chat.active_at
        return str(localize(localtime(at))) if at else "-"

    @admin.display(description="events")
    def events(self, chat: Chat) -> int:
        return chat.last_seq

    @admin.display(description="chat users")
    def people(self, chat: Chat) -> SafeString:
        url = reverse("admin:chats_chatuser_changelist")
        return format_html(
            '<a href="{}?chat={}">All chat users</a> · <a href="{}?chat={}">All messages</a>',
            url,
            chat.pk,
            reverse("admin:chats_message_changelist"),
            chat.pk,
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        chat = kwargs.get("obj")
        user: Any = request.user
        if chat is not None and user.has_perm("chats.view_message"):
            context["transcript"] = transcript(
                chat, request.GET.get("before_seq", ""), request.GET.get("after_seq", "")
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Chat, form: Any, change: bool) -> None:
        actions.update(obj.pk, {name: form.cleaned_data[name] for name in form.changed_data})

    @admin.action(description="Close", permissions=["operate"])
    def close(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def close(chat: Chat) -> bool:
            actions.update(chat.pk, {"status": Chat.Status.CLOSED})
            return chat.status != Chat.Status.CLOSED

        self.act(request, queryset, close, "closed")

    @admin.action(description="Reopen", permissions=["operate"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def reopen(chat: Chat) -> bool:
            actions.update(chat.pk, {"status": Chat.Status.OPEN})
            return chat.status != Chat.Status.OPEN

        self.act(request, queryset, reopen, "reopened")

    @admin.action(description="Delete (can be restored)", permissions=["discard"])
    def delete_softly(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def delete(chat: Chat) -> bool:
            return chat.deleted_at is None and bool(actions.delete(chat))

        self.act(request, queryset, delete, "deleted")

    @admin.action(description="Restore", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def restore(chat: Chat) -> bool:
            actions.restore(chat)
            return chat.deleted_at is not None

        self.act(request, queryset, restore, "restored")
