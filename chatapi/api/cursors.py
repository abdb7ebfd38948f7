"""Cursors: a position in a list, given by the values that the list is ordered by.

A cursor holds no rows and no offset. Its page starts right after that position, whatever was added
or deleted in the meantime, and an index finds the position at any depth.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import orjson
from django.db.models import BooleanField, F, Func, QuerySet, Value
from rest_framework import serializers

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.ids import MAX_ID

Q = TypeVar("Q", bound="QuerySet[Any, Any]")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_LENGTH = 1000


class Cursor(NamedTuple):
    """The list, its order (`asc` or `desc`) and the values of the last row before the page."""

    list: str
    order: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        packed = orjson.dumps((self.list, self.order, *self.values))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Parse the `str()` of a cursor. Raises ValueError for any other text."""
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        match orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case [str(name), "asc" | "desc" as order, *values]:
                cursor = cls(name, order, tuple(values))
                if str(cursor) == text:
                    return cursor
        raise ValueError(text)


class CursorField(serializers.Field[Any, Any, Any, Any]):
    """The `next_cursor` of a page."""

    def to_internal_value(self, data: Any) -> Cursor:
        try:
            if len(data) <= MAX_LENGTH:
                return Cursor.parse(data)
        except (ValueError, TypeError, binascii.Error):
            pass
        raise serializers.ValidationError("This is no cursor of a list.")

    def to_representation(self, value: Any) -> Any:
        return value


# --- Columns that lists are ordered by ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a column. `pack` converts a value to JSON, and `unpack` converts it back.

    `unpack` raises ValueError for JSON of another type.
    """

    pack: Callable[[Any], int | str]
    unpack: Callable[[Any], Any]


def _number(value: Any) -> int:
    if type(value) is int and 0 <= value <= MAX_ID:
        return value
    raise ValueError(value)


def _instant(value: Any) -> datetime:
    try:
        return EPOCH + _number(value) * MICROSECOND
    except OverflowError:
        raise ValueError(value) from None


def _text(value: Any) -> str:
    if isinstance(value, str) and "\0" not in value:  # PostgreSQL refuses a NUL
        return value
    raise ValueError(value)


NUMBER = Kind(int, _number)
INSTANT = Kind(lambda moment: (moment - EPOCH) // MICROSECOND, _instant)
TEXT = Kind(str, _text)


class Beyond(Func):
    """True for rows after a position: one row comparison, which an index can evaluate."""

    output_field = BooleanField()

    def __init__(self, *columns_and_values: Any, ascending: bool) -> None:
        super().__init__(*columns_and_values)
        self.operator = ">" if ascending else "<"

    def as_sql(
        self,
        compiler: Any,
        connection: Any,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> Any:
        sources = [compiler.compile(source) for source in self.get_source_expressions()]
        sql = [each for each, _ in sources]
        half = len(sql) // 2
        left, right = ", ".join(sql[:half]), ", ".join(sql[half:])
        return f"({left}) {self.operator} ({right})", [p for _, some in sources for p in some]


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of a list: its columns, the last of which is unique.

    `list` names the list, so that it refuses the cursors of other lists.
    """

    list: str
    columns: Mapping[str, Kind]

    def beyond(self, rows: Q, query: Mapping[str, Any]) -> Q:
        """The rows after `?cursor=`, or all rows without one."""
        if "cursor" not in query:
            return rows
        return rows.filter(self.after(self.position(query), query.get("order", "asc")))

    def after(self, position: tuple[Any, ...], order: str) -> Beyond:
        """The condition that a row comes after `position`, which has a value for each column."""
        values = [each if isinstance(each, Value) else Value(each) for each in position]
        columns = [F(name) for name in self.columns]
        return Beyond(*columns, *values, ascending=order == "asc")

    def position(self, query: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in `?cursor=`. Raises ApiError 422 for a cursor of another list or order."""
        cursor: Cursor = query["cursor"]
        kinds = self.columns.values()
        if cursor.list != self.list or len(cursor.values) != len(kinds):
            raise _invalid("This is a cursor of another list.")
        if cursor.order != query.get("order", "asc"):
            raise _invalid("This cursor is of the other order.")
        try:
            pairs = zip(kinds, cursor.values, strict=True)
            return tuple(kind.unpack(value) for kind, value in pairs)
        except ValueError:
            raise _invalid("This is no cursor of this list.") from None

    def cursor(self, row: Any, query: Mapping[str, Any]) -> str:
        """The cursor of the page after `row`, an instance or a dict."""
        get = row.__getitem__ if isinstance(row, dict) else row.__getattribute__
        values = tuple(kind.pack(get(name)) for name, kind in self.columns.items())
        return str(Cursor(self.list, query.get("order", "asc"), values))


def _invalid(sentence: str) -> ApiError:
    return ApiError(ErrorCode.VALIDATION_FAILED, sentence, "cursor")
