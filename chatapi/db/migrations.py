"""Operations for migrations."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations import AddIndex


class AddIndexLive(AddIndexConcurrently):
    """Create an index while the table stays writable. SQLite, which cannot, creates it as usual.

    The migration must not be atomic.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        # On a large table this takes long, and a cancelled statement leaves an invalid index.
        schema_editor.execute("SET statement_timeout = 0")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        schema_editor.execute("RESET statement_timeout")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        live = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if live else AddIndex
        operation.database_backwards(self, app_label, schema_editor, from_state, to_state)
