"""Companies in the admin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.actions.users import account_for
from accounts.addresses import parse_email
from chatapi.admin.base import DeletedFilter, StaffAdmin
from chatapi.api.errors import flatten
from companies.actions.companies import (
    create_company,
    delete_company,
    restore_company,
    update_company,
)
from companies.admin.members import MembershipInline
from companies.models import Company, Membership
from companies.serializers.companies import CompanyInput

if TYPE_CHECKING:
    CompanyModelForm = forms.ModelForm[Company]
else:
    CompanyModelForm = forms.ModelForm


SETTINGS = (
    "verify_first_join",
    "mail_transcripts",
    "edit_window_minutes",
    "chat_user_token_days",
)


FOR_PAGES = ("allowed_origins", "opening_hours", "closed_text")


class CompanyForm(CompanyModelForm):
    """The fields of a company, validated by the API's serializer."""

    logo_url = forms.URLField(
        max_length=500,
        required=False,
        assume_scheme="https",
        label="Logo URL",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
    )
    allowed_origins = forms.JSONField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Websites that may embed the chat: [&quot;https://example.com&quot;].",
    )
    opening_hours = forms.JSONField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 60}),
        help_text="For example {&quot;timezone&quot;: &quot;Europe/Berlin&quot;, "
        "&quot;monday&quot;: [[&quot;09:00&quot;, &quot;17:00&quot;]]}. {} means "
        "always open.",
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name, empty in (("allowed_origins", []), ("opening_hours", {})):
            if values.get(name, empty) is None:
                values[name] = empty
        given = {name: value for name, value in values.items() if value not in (None, "")}
        rules = CompanyInput(data=given, partial=True)
        if not rules.is_valid():
            for name, sentences in rules.errors.items():
                if name in self.fields and name not in self.errors:
                    self.add_error(name, next(iter(flatten(sentences).values())))
        else:  # use the normal forms
            values |= {name: rules.validated_data[name] for name in given if name in FOR_PAGES}
        return values


class CompanyAddForm(CompanyForm):
    owner = forms.EmailField(
        max_length=254,
        help_text="The owner's email address. An account is created if none exists.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["slug"].help_text = "Generated from the name if left empty."

    def clean_owner(self) -> str:
        return parse_email(self.cleaned_data["owner"])


def member_count() -> Coalesce:
    counted = (
        Membership.objects.live()
        .filter(company=OuterRef("pk"))
        .order_by()
        .values("company")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)


def chat_count() -> Coalesce:
    """Count the chats that are not deleted.

    By the reverse relation, because this app must not import chats.
    """
    counted = (
        Company.objects.filter(pk=OuterRef("pk"), chats__deleted_at=None)
        .order_by()
        .values("pk")
        .annotate(n=Count("chats"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)


@admin.register(Company)
class CompanyAdmin(StaffAdmin):
    change_form_template = "admin/accounts/acting_change_form.html"
    list_display = ("name", "slug", "members", "chats", "created_at", "deleted_at")
    list_filter = (DeletedFilter, "verify_first_join")
    search_fields = ("name", "slug", "id__exact", "memberships__user__email")
    search_help_text = "Name, slug, id or a member's email address"
    date_hierarchy = "created_at"
    actions = ("delete_softly", "restore")
    inlines = (MembershipInline,)
    form = CompanyForm
    fieldsets = (
        (None, {"fields": ("name", "slug", "logo_url", "chats_link")}),
        ("Settings", {"fields": SETTINGS}),
        ("Websites and opening hours", {"fields": FOR_PAGES}),
        ("Dates", {"fields": ("created_at", "deleted_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "slug", "logo_url", "owner")}),
        ("Settings", {"fields": SETTINGS}),
    )
    readonly_fields = ("chats_link", "created_at", "deleted_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Company]:
        rows: QuerySet[Company] = super().get_queryset(request)
        return rows.annotate(members_total=member_count(), chats_total=chat_count())  # type: ignore[no-redef]  # declared by the model

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = CompanyAddForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def page_actions(self, request: HttpRequest, obj: Company) -> tuple[str, ...]:
        return ("restore",) if obj.deleted_at else ("delete_softly",)

    @admin.display(description="members")
    def members(self, company: Company) -> int:
        return int(company.members_total)

    @admin.display(description="chats")
    def chats(self, company: Company) -> int:
        return int(company.chats_total)

    @admin.display(description="chats")
    def chats_link(self, company: Company) -> SafeString:
        url = reverse("admin:chats_chat_changelist")
        total = company.chats_total
        return format_html('<a href="{}?company={}">{} chats</a>', url, company.pk, total)

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        if change:
            update_company(obj, {name: form.cleaned_data[name] for name in form.changed_data})
            return
        fields = dict(form.cleaned_data)
        owner = account_for(fields.pop("owner"))
        created = create_company(owner, **fields)
        # Django's admin continues with `obj`, so make it the created row.
        obj.pk, obj.slug = created.pk, created.slug
        obj._state.adding = False

    @admin.action(description="Delete (can be restored)", permissions=["discard"])
    def delete_softly(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def delete(company: Company) -> bool:
            return company.deleted_at is None and bool(delete_company(company))

        self.act(request, queryset, delete, "deleted")

    @admin.action(description="Restore", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def restore(company: Company) -> bool:
            restore_company(company)
            return company.deleted_at is not None

        self.act(request, queryset, restore, "restored")
