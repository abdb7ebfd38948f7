"""Filters with a text field, because a list of thousands of links is of no use."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from chatapi.api.ids import parse_id


class TypedFilter(admin.SimpleListFilter):
    """A filter with a small form instead of links."""

    template = "admin/chats/typed_filter.html"
    hint = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # unused, but without a lookup Django hides the filter

    def choices(self, changelist: Any) -> Iterator[Any]:
        """One choice: the parameters that the form must keep."""
        kept = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.parameter_name
            for value in values
        ]
        yield {
            "kept": kept,
            "name": self.parameter_name,
            "value": self.value() or "",
            "hint": self.hint,
            "without": changelist.get_query_string(remove=[self.parameter_name]),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = (self.value() or "").strip()
        return queryset.filter(self.narrow(wanted)) if wanted else queryset

    def narrow(self, wanted: str) -> Q:
        raise NotImplementedError


class CompanyFilter(TypedFilter):
    """Filter by the company's id, slug or part of its name."""

    title = "company"
    parameter_name = "company"
    hint = "Id, slug or part of the name"
    path = "company"

    def narrow(self, wanted: str) -> Q:
        number = parse_id(wanted)
        if number is not None:
            return Q(**{self.path: number})
        wanted = wanted.replace("\0", "")
        return Q(**{f"{self.path}__slug": wanted}) | Q(**{f"{self.path}__name__icontains": wanted})


class CompanyOfChatFilter(CompanyFilter):
    path = "chat__company"


class ChatFilter(TypedFilter):
    title = "chat"
    parameter_name = "chat"
    hint = "Chat id"

    def narrow(self, wanted: str) -> Q:
        number = parse_id(wanted)
        return Q(pk__in=[]) if number is None else Q(chat=number)
