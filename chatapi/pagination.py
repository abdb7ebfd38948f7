"""Pages without a COUNT: one row more than asked for says whether there is a next one."""

from collections.abc import Collection, Sequence
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


class Links:
    """The list's own address with what it was asked for, but for the parameters `without`."""

    def __init__(self, request: Request, without: Collection[str]) -> None:
        self.path = f"{request.scheme}://{request.get_host()}{iri_to_uri(request.path)}"
        sent = request.query_params.lists()
        self._others = urlencode([each for each in sent if each[0] not in without], doseq=True)

    def to(self, name: str, value: int) -> str:
        others = f"{self._others}&" if self._others else ""
        return f"{self.path}?{others}{name}={value}"

    def plain(self) -> str:
        return f"{self.path}?{self._others}" if self._others else self.path


def envelope(
    request: Request,
    query: dict[str, Any],
    data: Sequence[Any],
    has_next: bool,
) -> dict[str, Any]:
    """The body of a page of `data`, which holds at most `per_page` rows."""
    page, links = query["page"], Links(request, {"page"})
    return {
        **frame(links, query, data),
        "first_page_url": links.to("page", 1),
        "next_page_url": links.to("page", page + 1) if has_next else None,
        "prev_page_url": links.to("page", page - 1) if page > 1 else None,
    }


def frame(links: Links, query: dict[str, Any], data: Sequence[Any]) -> dict[str, Any]:
    """The body of a page but for its links to others."""
    start = (query["page"] - 1) * query["per_page"]
    return {
        "current_page": query["page"],
        "data": data,
        "from": start + 1 if data else None,
        "path": links.path,
        "per_page": query["per_page"],
        "to": start + len(data) if data else None,
    }
