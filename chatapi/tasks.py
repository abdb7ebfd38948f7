"""What workers do for every app. Each task may run twice: what it does is done once."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from chatapi import mail


@shared_task
def deliver_mail(mail_id: int) -> None:
    mail.deliver(mail_id)


@shared_task
def sweep_mails() -> None:
    """Hand over the mails that are due, whatever became of their first task."""
    for mail_id in mail.due(timezone.now()):
        mail.hand_over(mail_id)


@shared_task
def prune() -> None:
    call_command("prune", verbosity=0)
