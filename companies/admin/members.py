"""Memberships in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from chatapi.admin.base import ReadOnlyInline, StaffAdmin, StateFilter
from companies.actions.members import change_role, end_membership
from companies.models import Membership, Role


class MembershipInline(ReadOnlyInline):
    """Members, current ones first."""

    model = Membership
    fields = ("user", "email", "role", "created_at", "ended_at")
    ordering = (F("ended_at").desc(nulls_first=True), "-pk")
    show_change_link = True
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "company")


class MembershipStateFilter(StateFilter):
    states = {
        "live": lambda rows: rows.filter(ended_at=None, user__isnull=False),
        "invited": lambda rows: rows.filter(ended_at=None, user=None),
        "ended": lambda rows: rows.filter(ended_at__isnull=False),
    }


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    """Memberships and invitations. Staff have the permissions of an owner."""

    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = ("address", "company", "role", "state", "created_at", "ended_at")
    list_select_related = ("user", "company")
    list_filter = (MembershipStateFilter, "role")
    search_fields = ("user__email", "email", "company__name", "company__slug")
    search_help_text = "The person's email address or the company's name"
    date_hierarchy = "created_at"
    actions = ("end", "end_and_rotate")
    fields = ("company", "user", "email", "role", "created_at", "ended_at")
    readonly_fields = ("company", "user", "email", "created_at", "ended_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "company")

    @admin.display(description="person", ordering="user__email")
    def address(self, membership: Membership) -> str:
        return membership.address

    @admin.display(description="state")
    def state(self, membership: Membership) -> str:
        return membership.status

    def page_actions(self, request: HttpRequest, obj: Membership) -> tuple[str, ...]:
        return () if obj.ended_at else ("end", "end_and_rotate")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.ended_at:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        change_role(obj, Role.OWNER, Role(form.cleaned_data["role"]))

    @admin.action(description="End membership", permissions=["operate"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.end_all(request, queryset, rotate_passwords=False)

    @admin.action(description="End membership and change chat passwords", permissions=["operate"])
    def end_and_rotate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.end_all(request, queryset, rotate_passwords=True)

    def end_all(
        self, request: HttpRequest, queryset: QuerySet[Any], *, rotate_passwords: bool
    ) -> None:
        def end(membership: Membership) -> bool:
            if membership.ended_at:
                return False
            end_membership(membership, Role.OWNER, leaves=False, rotate_passwords=rotate_passwords)
            return True

        self.act(request, queryset, end, "ended")
