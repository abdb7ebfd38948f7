"""What workers do for chats. Each task may run twice: what it does is done once."""

from celery import shared_task

from chats.actions import users


@shared_task
def remove_ended_agents() -> int:
    return users.remove_ended_agents()
