"""The outbox: a request writes a row for each mail, and a worker sends it.

`post` writes the row in the caller's transaction and enqueues a task after the commit. While the
broker is down, mail is delayed but not lost, because beat sweeps the rows that are due. When a
worker is killed, its lease expires and the same mail, with the same code, is sent again.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from chatapi.mail.delivery import GIVE_UP
from chatapi.mail.letters import KINDS
from chatapi.mail.tasks import enqueue
from chatapi.models import OutgoingMail


def post(kind: str, about: int, to: str) -> OutgoingMail:
    """Send a mail of `kind` about row `about`, if the transaction commits.

    It will be in the language that is active now, which is that of the requester.
    """
    if kind not in KINDS:
        raise LookupError(f"no such kind of mail: {kind}")
    mail = OutgoingMail.objects.create(kind=kind, about=about, to=to, language=get_language() or "")
    transaction.on_commit(lambda: enqueue(mail.pk), robust=True)
    return mail


def send_again(mail: OutgoingMail) -> bool:
    """Retry an unsent mail at once, even if it was dropped. Returns False if it was sent."""
    now = timezone.now()
    unsent = OutgoingMail.objects.filter(pk=mail.pk, sent_at=None)
    if not unsent.update(leased_until=now, dropped_at=None):
        return False
    unsent.filter(created_at__lt=now - GIVE_UP).update(created_at=now)
    transaction.on_commit(lambda: enqueue(mail.pk), robust=True)
    return True
