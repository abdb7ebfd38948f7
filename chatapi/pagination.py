"""Pages without a COUNT: one row more than asked for says whether there is a next one."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.encoding import iri_to_uri
from rest_framework import serializers
from rest_framework.request import Request

DEFAULT_PER_PAGE = 15
MAX_PER_PAGE = 249
MAX_PAGE = 10_000_000

Q = TypeVar("Q", bound="QuerySet[Any, Any]")


class Moment(serializers.Field):  # type: ignore[type-arg]
    """A date (its first moment, UTC) or a time in ISO 8601 (UTC unless it names an offset)."""

    default_error_messages = {
        "invalid": "Give a date or a time in ISO 8601, like 2021-07-05 or 2021-07-05T09:31:38Z."
    }

    def to_internal_value(self, data: Any) -> datetime:
        try:
            day = parse_date(str(data))
            moment = datetime.combine(day, time.min) if day else parse_datetime(str(data))
            if moment is not None:
                if moment.tzinfo is None:
                    return moment.replace(tzinfo=UTC)
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise serializers.ValidationError(self.error_messages["invalid"])

    def to_representation(self, value: Any) -> Any:
        return value


class PageQuery(serializers.Serializer[Any]):
    """What every list takes."""

    page = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=1)
    per_page = serializers.IntegerField(
        min_value=1, max_value=MAX_PER_PAGE, default=DEFAULT_PER_PAGE
    )
    before = Moment(required=False, help_text="Created before this date or time.")
    after = Moment(required=False, help_text="Created after this date or time.")


class NewestFirstQuery(PageQuery):
    order = serializers.ChoiceField(
        ["asc", "desc"], default="desc", help_text="`desc` is newest first."
    )


def created(rows: Q, query: dict[str, Any]) -> Q:
    """`rows` narrowed by `?before=` and `?after=`, on creation."""
    if "before" in query:
        rows = rows.filter(created_at__lt=query["before"])
    if "after" in query:
        rows = rows.filter(created_at__gt=query["after"])
    return rows


def is_first_page(query: dict[str, Any]) -> bool:
    """Whether a list is asked for from its beginning, and for all that is in it."""
    return query["page"] == 1 and query.keys() == {"page", "per_page", "order"}


def upto(query: dict[str, Any]) -> int:
    """How many rows a list has from its beginning to what `take` takes of it."""
    return int(query["page"] * query["per_page"] + 1)


def take(rows: Any, query: dict[str, Any]) -> list[Any]:
    """The page's rows, and one more if there is one: two slices of the same query."""
    start = (query["page"] - 1) * query["per_page"]
    return list(rows[start : upto(query)])


def envelope(
    request: Request,
    query: dict[str, Any],
    data: Sequence[Any],
    has_next: bool,
) -> dict[str, Any]:
    """The body of a page of `data`, which holds at most `per_page` rows."""
    page, per_page = query["page"], query["per_page"]
    path = f"{request.scheme}://{request.get_host()}{iri_to_uri(request.path)}"
    asked = [(name, values) for name, values in request.query_params.lists() if name != "page"]
    others = f"{urlencode(asked, doseq=True)}&" if asked else ""

    def url(number: int) -> str:
        return f"{path}?{others}page={number}"

    start = (page - 1) * per_page
    return {
        "current_page": page,
        "data": data,
        "first_page_url": url(1),
        "from": start + 1 if data else None,
        "next_page_url": url(page + 1) if has_next else None,
        "path": path,
        "per_page": per_page,
        "prev_page_url": url(page - 1) if page > 1 else None,
        "to": start + len(data) if data else None,
    }
