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
        live = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if live else AddIndex
        operation.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        live = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if live else AddIndex
        operation.database_backwards(self, app_label, schema_editor, from_state, to_state)
