"""What workers do for every app. Each task may run twice: what it does is done once."""

from celery import shared_task
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from chatapi.mail import outbox


@shared_task
def deliver_mail(mail_id: int) -> None:
    outbox.deliver(mail_id)


@shared_task
def sweep_mails() -> None:
    """Hand over the mails that are due, whatever became of their first task."""
    for mail_id in outbox.due(timezone.now()):
        outbox.hand_over(mail_id)


@shared_task
def prune() -> None:
    call_command("prune", verbosity=0)


@shared_task
def analyze() -> None:
    """Have SQLite look at how its tables have grown, or it takes the wrong index one day.

    PostgreSQL does so by itself.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 400")  # rows an index: milliseconds
            cursor.execute("ANALYZE")
