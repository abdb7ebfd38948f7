"""What migrations do otherwise than Django's own operations."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations import AddIndex


class AddIndexLive(AddIndexConcurrently):
    """An index made while the table is written to; SQLite, which can't, makes it as usual.

    The migration must not be atomic.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        # However large the table is: a statement that is cut short leaves an index of no use.
        schema_editor.execute("SET statement_timeout = 0")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        schema_editor.execute("RESET statement_timeout")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        live = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if live else AddIndex
        operation.database_backwards(self, app_label, schema_editor, from_state, to_state)
