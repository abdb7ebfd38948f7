"""The statements that the application sends for a request, taken from the application itself."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.operations import Operation
from bench.stop import BrokenError

TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True)
class Statement:
    """SQL with `%s` for each of `params`, as it was handed to the database's driver."""

    sql: str
    params: tuple[Any, ...] = ()

    def fill(self, value: Callable[[Any], str]) -> str:
        """The SQL with what `value` makes of each parameter."""
        rest = iter(self.params)
        filled = re.sub(
            "%s|%%", lambda found: value(next(rest)) if found[0] == "%s" else "%", self.sql
        )
        assert next(rest, rest) is rest, "a parameter is left over"
        return " ".join(filled.split())


@dataclass(frozen=True)
class Captured:
    """A request's answer and its statements, in order, with BEGIN and COMMIT."""

    answer: Any
    statements: list[Statement]


def capture(operation: Operation, base: str) -> Captured:
    """Make one request in this process, on the benchmark's database."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    target = operation.targets[0]
    seen: list[Statement] = []

    def note(execute: Any, sql: str, params: Sequence[Any] | None, many: bool, context: Any) -> Any:
        seen.append(Statement(sql, tuple(params or ())))
        return execute(sql, params, many, context)

    client = Client(headers={"host": urlsplit(base).netloc})
    send = getattr(client, operation.method.lower())
    extra = {"data": operation.body, "content_type": "application/json"} if operation.body else {}
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(note):
        response = send(
            operation.url(target), headers={"authorization": f"Bearer {target.token}"}, **extra
        )
    if response.status_code not in {200, 201}:
        raise BrokenError(f"{operation.name} answered {response.status_code} in this process")

    # The wrapper sees parameters but no BEGIN and COMMIT, the captured queries the other way round.
    statements, rest = [], iter(seen)
    for query in queries.captured_queries:
        word = query["sql"].split(maxsplit=1)[0].rstrip(";").upper()
        if word in TRANSACTION:
            statements.append(Statement(query["sql"].rstrip(";")))
        else:
            statements.append(next(rest))
    assert next(rest, None) is None, "a statement was not captured"
    return Captured(response.json(), statements)


def literal(value: Any) -> str:
    """`value` as SQL, as the driver would write it."""
    from django.db import connection
    from psycopg import sql

    connection.ensure_connection()
    return str(sql.Literal(value).as_string(connection.connection))
