"""Models that all apps share: responses stored for replay, and mails to send."""

from django.db import models
from django.utils import timezone


class IdempotencyRecord(models.Model):
    """The response to the first POST with an `Idempotency-Key`.

    `scope` is the SHA-256 of the caller and the route, `fingerprint` that of the body. `answer` is
    the JSON of the response, encrypted because it may contain a token.
    """

    scope = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_scope_key")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class OutgoingMail(models.Model):
    """A mail to send: written in the transaction that needs it, and sent by a worker.

    `kind` names the function that builds it and `about` is the id of the row it is about, so that
    no secret is stored here. After `leased_until`, another worker may try.
    """

    kind = models.CharField(max_length=40)
    about = models.BigIntegerField()
    to = models.EmailField(max_length=254)
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "outgoing mail"
        indexes = [
            models.Index(
                fields=["leased_until"],
                name="outgoing_mail_due",
                condition=models.Q(sent_at=None, dropped_at=None),
            ),
            models.Index(fields=["kind", "about"], name="outgoing_mail_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
