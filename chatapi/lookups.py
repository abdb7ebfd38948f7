"""A lookup that the ORM lacks. Importing this module makes it known."""

from typing import Any

from django.db.models import BigAutoField
from django.db.models.lookups import In


@BigAutoField.register_lookup
class Among(In):
    """`IN` a subquery that depends on an outer row and has a LIMIT.

    PostgreSQL would run such a subquery for every row that it might let through; as an array it is
    run once, and the rows are looked up by it. SQLite does so by itself.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_parameters = self.process_lhs(compiler, connection)
        subquery, parameters = self.process_rhs(compiler, connection)
        return f"{column} = ANY (ARRAY{subquery})", [*column_parameters, *parameters]
