"""Tasks that all apps share. A task may run twice, so each is idempotent."""

from celery import shared_task
from django.core.management import call_command
from django.db import connection


@shared_task
def prune() -> None:
    call_command("prune", verbosity=0)


@shared_task
def analyze() -> None:
    """Update the statistics of SQLite; outdated ones make it choose the wrong index.

    PostgreSQL does this by itself.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 400")  # rows per index; this takes milliseconds
            cursor.execute("ANALYZE")
