"""A column of search terms (`chatapi.text.search`), and its index.

On PostgreSQL the column is a `tsvector` with a GIN index. On SQLite it is a text of terms, which
triggers copy to an FTS5 table: so a write takes no further statement of ours.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.migrations.operations.base import Operation

from chatapi.text.search import Term

# A term that is no word, because of this character: it says which rows a term is searched in.
MARK = "@"

# The index takes new rows from a list that every search reads too, so the list must stay short.
PENDING_KIB = 256


def scope_term(number: int) -> str:
    """The term of the rows that belong to a group with this number, such as a company."""
    return f"{MARK}{number}"


if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field  # has no parameters at run time


class TermsField(Field):
    """A text of terms with spaces between them, null until they have been made.

    It is for searches only: PostgreSQL returns it with quotes and in another order.
    """

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"


def condition(wanted: Collection[Term], scopes: Collection[int]) -> str:
    """The parameter of a search for rows with all terms, in one of the scopes if there are any."""
    on_postgresql = connection.vendor == "postgresql"
    both, either = (" & ", " | ") if on_postgresql else (" AND ", " OR ")
    parts = [lexeme(term, on_postgresql) for term in sorted(wanted)]
    if scopes:
        each = [lexeme(Term(scope_term(scope), False), on_postgresql) for scope in scopes]
        parts.append(f"({either.join(each)})")
    return both.join(parts)


def lexeme(term: Term, on_postgresql: bool) -> str:
    if on_postgresql:
        return f"'{term.text}':*" if term.prefix else f"'{term.text}'"
    return f'"{term.text}"*' if term.prefix else f'"{term.text}"'


def fts_table(table: str, column: str) -> str:
    """The name of the FTS5 table for a column of terms. SQLite only."""
    return f"{table}_{column}"


class AddTermsIndex(Operation):
    """Create the index of a column of terms while the table stays writable.

    The migration must not be atomic. The index is no part of the model's state, because it differs
    between databases.
    """

    reversible = True

    def __init__(self, model_name: str, name: str) -> None:
        self.model_name, self.name = model_name, name

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if schema_editor.connection.vendor != "postgresql":
            create_fts(schema_editor, table, self.name)
            return
        schema_editor.execute("SET statement_timeout = 0")
        self._drop(schema_editor, table)  # an invalid one, of a statement that was cancelled
        schema_editor.execute(
            f'CREATE INDEX CONCURRENTLY "{table}_{self.name}" ON "{table}" USING gin'
            f' ("{self.name}") WITH (gin_pending_list_limit = {PENDING_KIB})'
        )
        schema_editor.execute("RESET statement_timeout")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if schema_editor.connection.vendor == "postgresql":
            self._drop(schema_editor, table)
            return
        for event in TRIGGERS:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {fts_table(table, self.name)}_{event}")
        schema_editor.execute(f"DROP TABLE IF EXISTS {fts_table(table, self.name)}")

    def _drop(self, schema_editor: Any, table: str) -> None:
        schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{table}_{self.name}"')

    def describe(self) -> str:
        return f"Create the index of the terms of {self.model_name}"


# --- SQLite ---------------------------------------------------------------------------------------

# With an external table, FTS5 needs the former terms of a row to remove it.
_ADD = "INSERT INTO {fts} (rowid, {column}) SELECT new.id, new.{column} WHERE new.{column} <> '';"
_REMOVE = (
    "INSERT INTO {fts} ({fts}, rowid, {column}) SELECT 'delete', old.id, old.{column}"
    " WHERE old.{column} <> '';"
)
TRIGGERS = {
    "insert": f"AFTER INSERT ON {{table}} BEGIN {_ADD} END",
    "update": f"AFTER UPDATE OF {{column}} ON {{table}} BEGIN {_REMOVE} {_ADD} END",
    "delete": f"AFTER DELETE ON {{table}} BEGIN {_REMOVE} END",
}


def create_fts(database: Any, table: str, column: str) -> None:
    """Create what is missing of the FTS5 table and its triggers. `database` executes statements.

    The tokenizer takes everything but ASCII punctuation as a part of a term.
    """
    fts = fts_table(table, column)
    database.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {fts} USING fts5({column}, content='{table}',"
        f" content_rowid='id', detail='none', columnsize=0, tokenize=\"ascii tokenchars '{MARK}'\")"
    )
    for event, body in TRIGGERS.items():
        filled = body.format(table=table, column=column, fts=fts)
        database.execute(f"CREATE TRIGGER IF NOT EXISTS {fts}_{event} {filled}")
