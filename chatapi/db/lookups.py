"""What the ORM lacks. Importing this module makes the lookups known."""

import unicodedata
from typing import Any

from django.db.backends.signals import connection_created
from django.db.models import BigAutoField, BigIntegerField, CharField, Subquery, TextField
from django.db.models.lookups import IContains, In


@BigAutoField.register_lookup
class Among(In):
    """`IN` a subquery whose rows are few, and are to be found first.

    PostgreSQL might go through the outer rows instead, and compare each of them with the
    subquery's. As an array it is run once, and the rows are looked up by it. SQLite does so by
    itself.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_parameters = self.process_lhs(compiler, connection)
        subquery, parameters = self.process_rhs(compiler, connection)
        return f"{column} = ANY (ARRAY{subquery})", [*column_parameters, *parameters]


class Each(Subquery):
    """PostgreSQL only: a row for each value of a subquery that depends on the outer row.

    The subquery runs once for each outer row, whatever PostgreSQL thinks of the tables' sizes.
    """

    template = "unnest(ARRAY(%(subquery)s))"
    set_returning = True
    output_field = BigIntegerField()


@CharField.register_lookup
@TextField.register_lookup
class ContainsFolded(IContains):
    """`icontains` that knows the letters of all scripts, composed (U+00E9) or not (e, U+0301).

    What is asked in ASCII goes by Django's own, which is faster. SQLite knows no other capitals.
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
