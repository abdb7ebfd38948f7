from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from chatapi.db.terms import create_fts


class ChatsConfig(AppConfig):
    name = "chats"

    def ready(self) -> None:
        # Importing these modules registers kinds of mail and receivers of signals.
        for module in ("chats.mails", "chats.receivers"):
            import_module(module)
        post_migrate.connect(restore_index, sender=self)


def restore_index(sender: Any, using: str, **kwargs: Any) -> None:
    """On SQLite, some migrations copy a table and lose its triggers, on which searches depend."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pragma_table_info('chats_message')")
        if ("terms",) in cursor.fetchall():  # not if the migrations went back
            create_fts(cursor, "chats_message", "terms")
