"""Cursors: a place in a list, named by the values that the list is ordered by.

A cursor holds no rows and no offset. The page that it opens starts right after its place, whatever
was added or deleted in the meantime, and an index finds that place at any depth.
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
    """What a cursor says: the list, its order (`asc` or `desc`) and the last row's values."""

    list: str
    order: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        packed = orjson.dumps((self.list, self.order, *self.values))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """ValueError for a text that `str()` of no cursor gives."""
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


# --- The columns that lists are ordered by --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """A column's type. `pack` makes JSON of a value; `unpack` raises ValueError for any other."""

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
    """Whether a row comes after a place: one comparison of rows, which an index can answer."""

    output_field = BooleanField()

    def __init__(self, *columns_and_values: Any, ascending: bool) -> None:
        super().__init__(*columns_and_values)
        self.operator = ">" if ascending else "<"

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        sources = [compiler.compile(source) for source in self.get_source_expressions()]
        sql = [each for each, _ in sources]
        half = len(sql) // 2
        left, right = ", ".join(sql[:half]), ", ".join(sql[half:])
        return f"({left}) {self.operator} ({right})", [p for _, some in sources for p in some]


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of a list: its columns, the last of them unique.

    `list` tells apart the lists that must not take each other's cursors.
    """

    list: str
    columns: Mapping[str, Kind]

    def beyond(self, rows: Q, query: Mapping[str, Any]) -> Q:
        """The rows after `?cursor=`; all of them without one."""
        if "cursor" not in query:
            return rows
        return rows.filter(self.after(self.place(query), query.get("order", "asc")))

    def after(self, place: tuple[Any, ...], order: str) -> Beyond:
        """The condition that a row comes after `place`, which has a value for each column."""
        values = [each if isinstance(each, Value) else Value(each) for each in place]
        columns = [F(name) for name in self.columns]
        return Beyond(*columns, *values, ascending=order == "asc")

    def place(self, query: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in `?cursor=`. ApiError 422 for a cursor of another list or order."""
        cursor: Cursor = query["cursor"]
        kinds = self.columns.values()
        if cursor.list != self.list or len(cursor.values) != len(kinds):
            raise _refused("This is a cursor of another list.")
        if cursor.order != query.get("order", "asc"):
            raise _refused("This cursor is of the other order.")
        try:
            pairs = zip(kinds, cursor.values, strict=True)
            return tuple(kind.unpack(value) for kind, value in pairs)
        except ValueError:
            raise _refused("This is no cursor of this list.") from None

    def cursor(self, row: Any, query: Mapping[str, Any]) -> str:
        """The cursor that goes on after `row`, an instance or a dict."""
        get = row.__getitem__ if isinstance(row, dict) else row.__getattribute__
        values = tuple(kind.pack(get(name)) for name, kind in self.columns.items())
        return str(Cursor(self.list, query.get("order", "asc"), values))


def _refused(sentence: str) -> ApiError:
    return ApiError(ErrorCode.VALIDATION_FAILED, sentence, "cursor")
