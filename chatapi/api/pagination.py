"""Pages without a COUNT: fetching one extra row shows whether there is a next page.

Page numbers end at row `MAX_ROWS`, because the database must step over all earlier rows. Cursors
continue from there, at the same cost at any depth.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.encoding import iri_to_uri
from rest_framework import serializers
from rest_framework.request import Request

from chatapi.api.cursors import CursorField, Ordering
from chatapi.api.errors import ApiError, ErrorCode

DEFAULT_PER_PAGE = 15
MAX_PER_PAGE = 249
MAX_ROWS = 10_000  # the last row that page numbers reach
CHEAP_ROWS = 1_000  # stepping over this many is not an expensive read

Q = TypeVar("Q", bound="QuerySet[Any, Any]")


class Moment(serializers.Field[Any, Any, Any, Any]):
    """A date, meaning its start in UTC, or a time in ISO 8601, in UTC unless it has an offset."""

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
    """The query parameters of every list."""

    page = serializers.IntegerField(
        min_value=1,
        default=1,
        help_text=f"Numbered pages end at row {MAX_ROWS:,}. Continue with `cursor`.",
    )
    per_page = serializers.IntegerField(
        min_value=1, max_value=MAX_PER_PAGE, default=DEFAULT_PER_PAGE
    )
    cursor = CursorField(
        required=False,
        help_text="The `next_cursor` of the page before, in place of `page`.",
    )
    before = Moment(required=False, help_text="Created before this date or time.")
    after = Moment(required=False, help_text="Created after this date or time.")

    def to_internal_value(self, data: Mapping[str, Any]) -> dict[str, Any]:
        query: dict[str, Any] = super().to_internal_value(data)
        if "cursor" in query:
            if "page" in data:
                raise serializers.ValidationError({"cursor": ["Not together with page."]})
            if "order" in query and "order" not in data:
                query["order"] = query["cursor"].order
        elif query["page"] * query["per_page"] > MAX_ROWS:
            raise ApiError(ErrorCode.USE_CURSOR, field="page")
        return query


class NewestFirstQuery(PageQuery):
    order = serializers.ChoiceField(
        ["asc", "desc"], default="desc", help_text="`desc` is newest first."
    )


def created(rows: Q, query: dict[str, Any]) -> Q:
    """Filter `rows` by `?before=` and `?after=`, which apply to the time of creation."""
    if "before" in query:
        rows = rows.filter(created_at__lt=query["before"])
    if "after" in query:
        rows = rows.filter(created_at__gt=query["after"])
    return rows


def by_creation(query: dict[str, Any]) -> bool:
    """Return whether `created` filters the rows. No index covers that time within a chat."""
    return "before" in query or "after" in query


def is_first_page(query: dict[str, Any]) -> bool:
    """Return whether the query asks for the first page of a list, without filters."""
    return query["page"] == 1 and query.keys() == {"page", "per_page", "order"}


def is_next_page(query: dict[str, Any]) -> bool:
    """Return whether the query asks for the page after a cursor, without filters."""
    return query.keys() == {"page", "per_page", "order", "cursor"}


def is_deep(query: dict[str, Any]) -> bool:
    """Return whether the database must step over many rows to reach the page."""
    return bool(query["page"] * query["per_page"] > CHEAP_ROWS)


def bounds(query: dict[str, Any]) -> tuple[int, int]:
    """The slice of the page's rows and one extra; with a cursor, counted from the cursor."""
    start = (query["page"] - 1) * query["per_page"]
    return start, start + query["per_page"] + 1


class Links:
    """The list's URL with the parameters of the request, except those in `without`.

    Only known parameters are repeated, so that a secret sent by mistake is not.
    """

    def __init__(
        self, request: Request, query: Mapping[str, Any], without: Collection[str]
    ) -> None:
        self.path = f"{request.scheme}://{request.get_host()}{iri_to_uri(request.path)}"
        sent = request.query_params.items()
        self._others = urlencode(
            [each for each in sent if each[0] in query and each[0] not in without]
        )

    def to(self, name: str, value: int | str) -> str:
        others = f"{self._others}&" if self._others else ""
        return f"{self.path}?{others}{name}={value}"

    def plain(self) -> str:
        return f"{self.path}?{self._others}" if self._others else self.path


def envelope(
    request: Request, query: dict[str, Any], data: Sequence[Any], next_cursor: str | None
) -> dict[str, Any]:
    """The body of a page of `data`, which has at most `per_page` rows.

    The next page is linked by number where possible; otherwise by cursor.
    """
    page, links = query["page"], Links(request, query, {"page", "cursor"})
    by_number = "cursor" not in query
    next_page_url = None
    if next_cursor is not None:
        if by_number and (page + 1) * query["per_page"] <= MAX_ROWS:
            next_page_url = links.to("page", page + 1)
        else:
            next_page_url = links.to("cursor", next_cursor)
    return {
        **frame(links, query, data, next_cursor),
        "first_page_url": links.to("page", 1),
        "next_page_url": next_page_url,
        "prev_page_url": links.to("page", page - 1) if page > 1 else None,
    }


def frame(
    links: Links, query: dict[str, Any], data: Sequence[Any], next_cursor: str | None
) -> dict[str, Any]:
    """The body of a page without its links to other pages. With a cursor, rows have no numbers."""
    start = (query["page"] - 1) * query["per_page"]
    numbered = bool(data) and "cursor" not in query
    return {
        "current_page": query["page"],
        "data": data,
        "from": start + 1 if numbered else None,
        "next_cursor": next_cursor,
        "path": links.path,
        "per_page": query["per_page"],
        "to": start + len(data) if numbered else None,
    }


def next_cursor(found: Sequence[Any], query: dict[str, Any], ordering: Ordering) -> str | None:
    """The cursor after the page's last row; None if `found` has no extra row."""
    size = query["per_page"]
    return ordering.cursor(found[size - 1], query) if len(found) > size else None
