"""Tasks that deliver mail. A task may run twice; the lease of a mail lets only one send it."""

import logging
import time

from celery import shared_task
from django.utils import timezone

from chatapi.mail import delivery

logger = logging.getLogger(__name__)

TASK_EXPIRES = 30  # seconds
# While the broker is down, an attempt delays a request by seconds, so make one only this often.
BROKER_RETRY_SECONDS = 10.0
_down_until = 0.0


@shared_task
def deliver_mail(mail_id: int) -> None:
    delivery.deliver(mail_id)


def enqueue(mail_id: int) -> None:
    """Enqueue a task that sends the mail. If the broker is down, the sweep does it later."""
    global _down_until
    if time.monotonic() < _down_until:
        return
    try:
        # The sweep enqueues unsent mails again, so that expired tasks can be dropped.
        deliver_mail.apply_async((mail_id,), retry=False, expires=TASK_EXPIRES)
    except Exception as error:
        _down_until = time.monotonic() + BROKER_RETRY_SECONDS
        logger.warning("the broker is down, mail %s waits for the sweep: %s", mail_id, error)


@shared_task
def sweep_mails() -> None:
    """Enqueue the mails that are due, in case their first task was lost."""
    for mail_id in delivery.due(timezone.now()):
        enqueue(mail_id)
