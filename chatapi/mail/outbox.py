"""The outbox: a request writes a row for each mail, and a worker sends it.

`post` writes the row in the caller's transaction and enqueues a task after the commit. While the
broker is down, mail is delayed but not lost, because beat sweeps the rows that are due. When a
worker is killed, its lease expires and the same mail, with the same code, is sent again.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import Header
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language

from chatapi.models import OutgoingMail

logger = logging.getLogger(__name__)

GIVE_UP = timedelta(hours=6)
TASK_EXPIRES = 30  # seconds
# While the broker is down, an attempt delays a request by seconds, so make one only this often.
BROKER_RETRY_SECONDS = 10.0
_down_until = 0.0


@dataclass(frozen=True, slots=True)
class Letter:
    """The subject of a mail, and its body as text and as HTML."""

    subject: str
    text: str
    html: str

    @classmethod
    def render(cls, template: str, subject: str, context: Mapping[str, object]) -> "Letter":
        """Render `mail/{template}.txt` and `.html`."""
        context = {"subject": subject, **context}
        return cls(
            subject=" ".join(subject.split()),  # a line break would end the header
            text=render_to_string(f"mail/{template}.txt", context),
            html=render_to_string(f"mail/{template}.html", context),
        )


@dataclass(frozen=True, slots=True)
class MailKind:
    """A kind of mail about a row of a table, by whose id both functions are called.

    `build` returns the letter, or None if the mail is no longer needed. `sent` is called with the
    time at which it was sent.
    """

    build: Callable[[int], Letter | None]
    sent: Callable[[int, datetime], object] | None = None


KINDS: dict[str, MailKind] = {}


def post(kind: str, about: int, to: str) -> OutgoingMail:
    """Send a mail of `kind` about row `about`, if the transaction commits.

    It will be in the language that is active now, which is that of the requester.
    """
    if kind not in KINDS:
        raise LookupError(f"no such kind of mail: {kind}")
    mail = OutgoingMail.objects.create(kind=kind, about=about, to=to, language=get_language() or "")
    transaction.on_commit(lambda: enqueue(mail.pk), robust=True)
    return mail


def enqueue(mail_id: int) -> None:
    """Enqueue a task that sends the mail. If the broker is down, the sweep does it later."""
    from chatapi.tasks import deliver_mail

    global _down_until
    if time.monotonic() < _down_until:
        return
    try:
        # The sweep enqueues unsent mails again, so that expired tasks can be dropped.
        deliver_mail.apply_async((mail_id,), retry=False, expires=TASK_EXPIRES)
    except Exception as error:
        _down_until = time.monotonic() + BROKER_RETRY_SECONDS
        logger.warning("the broker is down, mail %s waits for the sweep: %s", mail_id, error)


def due(now: datetime) -> list[int]:
    """Ids of up to 500 unsent mails that no worker is sending, oldest lease first."""
    waiting = OutgoingMail.objects.filter(sent_at=None, dropped_at=None, leased_until__lte=now)
    return list(waiting.order_by("leased_until").values_list("pk", flat=True)[:500])


def send_again(mail: OutgoingMail) -> bool:
    """Retry an unsent mail at once, even if it was dropped. Returns False if it was sent."""
    now = timezone.now()
    unsent = OutgoingMail.objects.filter(pk=mail.pk, sent_at=None)
    if not unsent.update(leased_until=now, dropped_at=None):
        return False
    unsent.filter(created_at__lt=now - GIVE_UP).update(created_at=now)
    transaction.on_commit(lambda: enqueue(mail.pk), robust=True)
    return True


class MailMessage(EmailMultiAlternatives):
    """A message whose folded subject never starts with an empty line."""

    def message(self, **options: Any) -> Any:
        subject = str(self.subject)
        if not subject.isascii():
            # Django ignores the length of `Subject: ` when it folds, and breaks the line after it.
            words = Header(subject, "utf-8", header_name="Subject").encode()
            self.subject = words.replace("\n", "")
        try:
            return super().message(**options)
        finally:
            self.subject = subject


def build_message(mail: OutgoingMail, letter: Letter) -> MailMessage:
    """The message to send. The Message-ID is the same in each attempt, to avoid duplicates.

    The headers prevent automatic replies, such as vacation notices (RFC 3834, and Exchange's).
    """
    key = salted_hmac(
        "chatapi.mail.outbox", f"{mail.pk} {mail.created_at.isoformat()}"
    ).hexdigest()[:32]
    headers = {
        "Message-ID": f"<{key}@{settings.MAIL_DOMAIN}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    message = MailMessage(letter.subject, letter.text, to=[mail.to], headers=headers)
    message.attach_alternative(letter.html, "text/html")
    return message


def deliver(mail_id: int) -> bool:
    """Send a mail unless it is sent, dropped or leased. Returns whether this call sent it."""
    now = timezone.now()
    lease = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    waiting = OutgoingMail.objects.filter(pk=mail_id, sent_at=None, dropped_at=None)
    if not waiting.filter(leased_until__lte=now).update(leased_until=now + lease):
        return False
    mail = OutgoingMail.objects.get(pk=mail_id)
    kind = KINDS[mail.kind]
    if mail.created_at < now - GIVE_UP:
        waiting.update(dropped_at=now)
        return False
    try:
        with translation.override(mail.language or settings.LANGUAGE_CODE):
            letter = kind.build(mail.about)
        if letter is None:
            waiting.update(dropped_at=now)
            return False
        build_message(mail, letter).send()
    except Exception as error:  # after any error, the mail is tried again later
        attempts = mail.attempts + 1
        pause = min(timedelta(seconds=5 * 2**mail.attempts), timedelta(minutes=5))
        waiting.update(attempts=attempts, last_error=str(error)[:500], leased_until=now + pause)
        logger.warning("mail %s (%s) could not be sent: %s", mail_id, mail.kind, error)
        return False
    sent_at = timezone.now()
    waiting.update(sent_at=sent_at, attempts=mail.attempts + 1)
    if kind.sent:
        kind.sent(mail.about, sent_at)
    return True
