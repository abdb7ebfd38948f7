"""Lookups and expressions that the ORM lacks. Importing this module registers them."""

import unicodedata
from typing import Any

from django.db.backends.signals import connection_created
from django.db.models import BigAutoField, BigIntegerField, CharField, Subquery, TextField
from django.db.models.lookups import IContains, In


@BigAutoField.register_lookup
class Among(In):
    """`IN` for a subquery that returns few rows and should run first.

    PostgreSQL might instead scan the outer rows and compare each with those of the subquery. As an
    array, the subquery runs once and an index finds the outer rows. SQLite does this by itself.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_parameters = self.process_lhs(compiler, connection)
        subquery, parameters = self.process_rhs(compiler, connection)
        return f"{column} = ANY (ARRAY{subquery})", [*column_parameters, *parameters]


class Each(Subquery):
    """A row for each value of a subquery that depends on the outer row. PostgreSQL only.

    The subquery runs once for each outer row, whatever the planner estimates.
    """

    template = "unnest(ARRAY(%(subquery)s))"
    set_returning = True
    output_field = BigIntegerField()


@CharField.register_lookup
@TextField.register_lookup
class ContainsFolded(IContains):
    """`icontains` for the letters of all scripts, composed (U+00E9) or decomposed (e, U+0301).

    An ASCII text uses Django's lookup, which is faster. SQLite can only fold the case of ASCII, so
    it calls a Python function.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        if not isinstance(self.rhs, str) or self.rhs.isascii():
            return super().as_sql(compiler, connection)
        column, column_parameters = compiler.compile(self.lhs)
        wanted, parameters = self.process_rhs(compiler, connection)
        pattern = str(parameters[0])
        if connection.vendor == "sqlite":
            condition = f"chatapi_fold({column}) LIKE {wanted} ESCAPE '\\'"
            pattern = fold(pattern)
        else:
            condition = f"UPPER(normalize({column}::text)) LIKE UPPER({wanted})"
            pattern = unicodedata.normalize("NFC", pattern)
        return condition, [*column_parameters, pattern]


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def fold_column(text: str | None) -> str | None:
    return None if text is None else fold(text)


def add_fold(sender: Any, connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("chatapi_fold", 1, fold_column, deterministic=True)


connection_created.connect(add_fold, dispatch_uid="chatapi_fold")
