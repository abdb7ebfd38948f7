"""Celery tasks. Each task is idempotent, because it may run twice."""

from celery import shared_task

from chats.actions import chat_users, departures


@shared_task
def remove_ended_agents() -> int:
    return chat_users.remove_ended_agents()


@shared_task
def finish_departures() -> None:
    """Process ended memberships. Other tasks get their turn between batches."""
    if departures.process_batch():
        finish_departures.delay()
