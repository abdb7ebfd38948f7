"""Base classes of the admin for staff.

Staff use the same actions as the API, so that the chats' logs record what they do. Anything that no
action changes is read-only, and nothing is deleted permanently.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, model_ngettext
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property

from chatapi.api.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    # Django's classes are generic only in the type stubs.
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
    ListPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
    InlineFormSet = BaseInlineFormSet
    ListPaginator = Paginator

admin.site.site_title = admin.site.site_header = "Chat administration"
admin.site.index_title = "What is kept"

# Columns that no page shows and no query string may filter by.
SECRETS = frozenset(
    {"password", "digest", "nonce", "sealed_password", "request_hash", "idempotency_key"}
)
MAX_ROWS = 1000  # that one action processes


class CappedPaginator(ListPaginator):
    """Counts at most `CAP` rows, which bounds the cost of a list."""

    CAP = 10_000

    @cached_property
    def counted(self) -> int:
        # Select only the key; otherwise annotations would be computed for each counted row.
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.CAP + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.CAP)

    @property
    def is_capped(self) -> bool:
        return self.counted > self.CAP


class StaffAdmin(ModelAdmin):
    """A model that staff can view and act on.

    `page_actions` names the actions that the page of a row offers as buttons. An action requires
    the permission `operate` (the model's "change") or `discard` (its "delete").
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    ordering = ("-pk",)

    def page_actions(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        return ()

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.permitted(request, "change")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return self.permitted(request, "delete")

    def permitted(self, request: HttpRequest, verb: str) -> bool:
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.{verb}_{self.opts.model_name}"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # rows are hidden by actions instead

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        if SECRETS & set(lookup.split("__")):
            return False
        return super().lookup_allowed(lookup, value, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        response: Any = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None and changelist.paginator.is_capped:
            response.context_data["subtitle"] = (
                f"The first {CappedPaginator.CAP:,} are listed; search or filter for others."
            )
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ApiError as error:
            self.message_user(request, sentence(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            offered = self.get_actions(request)
            found = [offered.get(name) for name in self.page_actions(request, obj)]
            context["page_actions"] = [(each[1], each[2]) for each in found if each]
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        response = super().response_action(request, queryset, *args, **kwargs)
        page = request.POST.get("_page", "")
        if page.isdecimal() and isinstance(response, HttpResponseRedirect):
            # The button was on the page of a row: return to that page.
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[page]))
        return response

    def act(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        do: Callable[[Any], bool],
        done: str,
    ) -> None:
        """Call `do` for each selected row, record it in the row's history and report the result.

        `do` returns whether it changed the row. An error of one row does not stop the others.
        """
        rows = list(queryset[: MAX_ROWS + 1])
        if len(rows) > MAX_ROWS:
            self.message_user(request, f"At most {MAX_ROWS:,} at once, please.", messages.ERROR)
            return
        changed, failed = 0, []
        for row in rows:
            try:
                with transaction.atomic():
                    if do(row):
                        self.log_change(request, row, f"{done.capitalize()}.")
                        changed += 1
            except ApiError as error:
                failed.append(f"{row}: {sentence(error)}")
        if changed:
            noun = model_ngettext(self.opts, changed)
            self.message_user(request, f"{changed} {noun} {done}.", messages.SUCCESS)
        if unchanged := len(rows) - changed - len(failed):
            noun = model_ngettext(self.opts, unchanged)
            self.message_user(request, f"Nothing to do for {unchanged} {noun}.", messages.WARNING)
        for line in failed[:5]:
            self.message_user(request, line, messages.ERROR)
        if len(failed) > 5:
            self.message_user(request, f"{len(failed) - 5} more failed.", messages.ERROR)


def sentence(error: ApiError) -> str:
    if error.error_code == ErrorCode.NOT_FOUND:
        # For actions, deleted rows do not exist.
        return "It is deleted, or its chat or company is; restore that first."
    return error.message


class ReadOnlyAdmin(StaffAdmin):
    """A model that staff can view, and change only by its actions."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [str(field) for field in flatten_fieldsets(self.get_fieldsets(request, obj))]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        # Django's method would call get_form, which calls get_readonly_fields again.
        fields: Any = self.fields
        return self.fieldsets or [(None, {"fields": fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewestFormSet(InlineFormSet):
    """The first hundred rows of an inline; a list page shows the others."""

    LIMIT = 100

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_newest"):
            self._newest = super().get_queryset()[: self.LIMIT]
        return self._newest


class ReadOnlyInline(TabularInline):
    """Up to a hundred rows of another model, newest first."""

    extra = 0
    can_delete = False
    formset = NewestFormSet
    ordering: ClassVar[Any] = ("-pk",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [str(field) for field in self.fields or ()]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    """A filter by state; `states` maps each state to its filter."""

    title = "state"
    parameter_name = "state"
    states: Mapping[str, Callable[[Any], QuerySet[Any]]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in self.states]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        narrow = self.states.get(self.value() or "")
        return narrow(queryset) if narrow else queryset


class DeletedFilter(StateFilter):
    """A filter for rows that were deleted, which can be restored."""

    title = "deleted"
    parameter_name = "deleted"
    states = {
        "no": lambda rows: rows.filter(deleted_at=None),
        "yes": lambda rows: rows.filter(deleted_at__isnull=False),
    }
