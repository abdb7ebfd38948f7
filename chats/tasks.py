"""What workers do for chats. Each task may run twice: what it does is done once."""

from celery import shared_task

from chats.actions import chat_users, departures


@shared_task
def remove_ended_agents() -> int:
    return chat_users.remove_ended_agents()


@shared_task
def finish_departures() -> None:
    """Do what follows in the chats when memberships end; others have their turn between batches."""
    if departures.go_on():
        finish_departures.delay()
