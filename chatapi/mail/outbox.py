"""Mail: a row first, then a worker.

`post` writes the row in the caller's transaction and tells the broker after the commit. A broker
that is down delays the mail and loses nothing: beat sweeps the rows that are due. A worker killed
in the middle leaves a lease that runs out, and the same mail, with the same code, is sent again.
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
# An attempt at a broker that is away costs a request seconds; so only one in ten seconds is made.
BROKER_PAUSE = 10.0
_away_until = 0.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and the two bodies of one mail."""

    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, template: str, subject: str, context: Mapping[str, object]) -> "Letter":
        """Render `mail/{template}.txt` and `.html`."""
        context = {"subject": subject, **context}
        return cls(
            subject=" ".join(subject.split()),  # no line break ends a header early
            text=render_to_string(f"mail/{template}.txt", context),
            html=render_to_string(f"mail/{template}.html", context),
        )


@dataclass(frozen=True, slots=True)
class MailKind:
    """`build` writes the mail about a row, or returns None when it is no longer wanted;
    `sent` is told when it went out."""

    build: Callable[[int], Letter | None]
    sent: Callable[[int, datetime], object] | None = None


KINDS: dict[str, MailKind] = {}


def post(kind: str, about: int, to: str) -> OutgoingMail:
    """Have a mail of `kind` about row `about` sent, if the transaction commits.

    It is in the language that is active now: that of whoever asked for it.
    """
    if kind not in KINDS:
        raise LookupError(f"no such kind of mail: {kind}")
    mail = OutgoingMail.objects.create(kind=kind, about=about, to=to, language=get_language() or "")
    transaction.on_commit(lambda: hand_over(mail.pk), robust=True)
    return mail


def hand_over(mail_id: int) -> None:
    """Tell a worker. If the broker does not answer, the sweep will."""
    from chatapi.tasks import deliver_mail

    global _away_until
    if time.monotonic() < _away_until:
        return
    try:
        # The sweep hands over again what was not taken, so that old tasks need not pile up.
        deliver_mail.apply_async((mail_id,), retry=False, expires=TASK_EXPIRES)
    except Exception as error:
        _away_until = time.monotonic() + BROKER_PAUSE
        logger.warning("the broker is away, mail %s waits for the sweep: %s", mail_id, error)


def due(now: datetime) -> list[int]:
    """Ids of mails that wait and that nobody is sending."""
    waiting = OutgoingMail.objects.filter(sent_at=None, dropped_at=None, leased_until__lte=now)
    return list(waiting.order_by("leased_until").values_list("pk", flat=True)[:500])


def send_again(mail: OutgoingMail) -> bool:
    """Have an unsent mail tried at once, one that was given up too: its hours start anew."""
    now = timezone.now()
    unsent = OutgoingMail.objects.filter(pk=mail.pk, sent_at=None)
    if not unsent.update(leased_until=now, dropped_at=None):
        return False
    unsent.filter(created_at__lt=now - GIVE_UP).update(created_at=now)
    transaction.on_commit(lambda: hand_over(mail.pk), robust=True)
    return True


class Envelope(EmailMultiAlternatives):
    """A mail whose subject is folded so that its first line is never empty."""

    def message(self, **options: Any) -> Any:
        subject = str(self.subject)
        if not subject.isascii():
            # Django does not know how long `Subject: ` is, and breaks the line there.
            words = Header(subject, "utf-8", header_name="Subject").encode()
            self.subject = words.replace("\n", "")
        try:
            return super().message(**options)
        finally:
            self.subject = subject


def envelope(mail: OutgoingMail, letter: Letter) -> Envelope:
    """The letter as it goes out. Tried again it has the same Message-ID, so that it counts as one.

    It asks not to be answered by programs, such as vacation replies (RFC 3834, and Exchange's own).
    """
    key = salted_hmac(
        "chatapi.mail.outbox", f"{mail.pk} {mail.created_at.isoformat()}"
    ).hexdigest()[:32]
    headers = {
        "Message-ID": f"<{key}@{settings.MAIL_DOMAIN}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    message = Envelope(letter.subject, letter.text, to=[mail.to], headers=headers)
    message.attach_alternative(letter.html, "text/html")
    return message


def deliver(mail_id: int) -> bool:
    """Send one mail, unless it is sent, dropped or being sent. Returns whether it went out now."""
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
        envelope(mail, letter).send()
    except Exception as error:  # whatever went wrong, the mail waits for its next turn
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
