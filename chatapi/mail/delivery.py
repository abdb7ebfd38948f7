"""Deliver the mails of the outbox. A worker leases a mail before it sends it."""

import logging
from datetime import datetime, timedelta
from email.header import Header
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from chatapi.mail.letters import KINDS, Letter
from chatapi.models import OutgoingMail

logger = logging.getLogger(__name__)

GIVE_UP = timedelta(hours=6)


def due(now: datetime) -> list[int]:
    """Ids of up to 500 unsent mails that no worker is sending, oldest lease first."""
    waiting = OutgoingMail.objects.filter(sent_at=None, dropped_at=None, leased_until__lte=now)
    return list(waiting.order_by("leased_until").values_list("pk", flat=True)[:500])


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
    for file in letter.files:
        message.attach(*file)
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
            letter = kind.build(mail.about, *([mail.to] if kind.to_recipient else []))
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
