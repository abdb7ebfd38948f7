"""Chat users and their tokens."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chatapi.admin.base import ReadOnlyAdmin, ReadOnlyInline
from chats.actions import chat_users as actions
from chats.actions import tokens
from chats.admin.filters import ChatFilter, CompanyOfChatFilter
from chats.models import ChatUser, ChatUserToken

PRESENT = (ChatUser.Status.ACTIVE, ChatUser.Status.INVITED)


class TokenInline(ReadOnlyInline):
    model = ChatUserToken
    fields = ("state", "scopes", "origin", "created_at", "expires_at", "last_used_at", "revoked_at")
    verbose_name_plural = "tokens (newest 100)"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatUserToken]:
        return super().get_queryset(request).select_related("origin")

    @admin.display(description="state")
    def state(self, token: ChatUserToken) -> str:
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at <= timezone.now() else "live"


@admin.register(ChatUser)
class ChatUserAdmin(ReadOnlyAdmin):
    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = ("name", "email", "chat", "role", "status", "assurance", "created_at")
    list_select_related = ("chat",)
    list_filter = ("status", "role", "assurance", ChatFilter, CompanyOfChatFilter)
    search_fields = ("email", "first_name", "last_name", "id__exact")
    search_help_text = "Email address, name or id"
    date_hierarchy = "created_at"
    actions = ("remove", "ban", "lift_ban", "revoke_tokens")
    inlines = (TokenInline,)
    fieldsets = (
        (None, {"fields": ("name", "email", "chat", "role", "status", "assurance")}),
        ("Account", {"fields": ("user", "membership")}),
        (
            "Activity",
            {"fields": ("last_read_seq", "messages_link", "created_at", "joined_at", "left_at")},
        ),
    )

    class Media:
        css = {"all": ["chats/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatUser]:
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == "chats_chatuser_change":
            return rows.select_related("chat", "membership__user", "membership__company", "user")
        return rows

    def page_actions(self, request: HttpRequest, obj: ChatUser) -> tuple[str, ...]:
        if obj.status == ChatUser.Status.BANNED:
            return ("lift_ban",)
        leave = ("remove", "revoke_tokens") if obj.status in PRESENT else ()
        is_member = obj.role == ChatUser.Role.AGENT and not actions.is_former_agent(obj)
        return leave if is_member else ("ban", *leave)

    @admin.display(description="name", ordering="first_name")
    def name(self, chat_user: ChatUser) -> str:
        return chat_user.name

    @admin.display(description="messages")
    def messages_link(self, chat_user: ChatUser) -> SafeString:
        url = reverse("admin:chats_message_changelist")
        return format_html(
            '<a href="{}?chat={}&author={}">All messages</a>',
            url,
            chat_user.chat_id,
            chat_user.pk,
        )

    @admin.action(description="Remove from the chat", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def remove(chat_user: ChatUser) -> bool:
            status = chat_user.status  # the action refreshes the instance
            actions.remove(chat_user)
            return status in PRESENT

        self.act(request, queryset, remove, "removed")

    @admin.action(description="Ban", permissions=["operate"])
    def ban(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def ban(chat_user: ChatUser) -> bool:
            status = chat_user.status
            actions.ban(chat_user)
            return status != ChatUser.Status.BANNED

        self.act(request, queryset, ban, "banned")

    @admin.action(description="Lift the ban", permissions=["operate"])
    def lift_ban(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def lift(chat_user: ChatUser) -> bool:
            status = chat_user.status
            actions.lift_ban(chat_user)
            return status == ChatUser.Status.BANNED

        self.act(request, queryset, lift, "unbanned")

    @admin.action(description="Revoke all tokens", permissions=["operate"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def revoke(chat_user: ChatUser) -> bool:
            had = chat_user.tokens.filter(revoked_at=None).exists()
            tokens.revoke_all(chat_user)  # also ends their open codes
            return had

        self.act(request, queryset, revoke, "had all tokens revoked")
