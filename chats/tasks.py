"""Celery tasks. Each task is idempotent, because it may run twice."""

from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from chatapi.files.stores import StorageDownError
from chats.actions import attachment_processing, attachments, chat_users, departures


@shared_task
def remove_ended_agents() -> int:
    return chat_users.remove_ended_agents()


@shared_task
def finish_departures() -> None:
    """Process ended memberships. Other tasks get their turn between batches."""
    if departures.process_batch():
        finish_departures.delay()


@shared_task
def process_attachment(attachment_id: int) -> None:
    attachment_processing.process(attachment_id)


@shared_task
def sweep_attachments() -> None:
    """Enqueue what is still to be processed, and remove the files of what was given up."""
    for attachment_id in attachment_processing.due(timezone.now()):
        process_attachment.delay(attachment_id)
    with suppress(StorageDownError):  # logged, and tried again
        attachments.sweep()
