"""Rows that every app's API shares: answers kept for replay, and mails to be sent."""

from django.db import models
from django.utils import timezone


class IdempotencyRecord(models.Model):
    """The first answer to a POST that carried an `Idempotency-Key`.

    `scope` is the SHA-256 of the caller and the route, `fingerprint` that of the body; `answer` is
    the encrypted JSON of what was answered (it may hold a token).
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
    """A mail that must go out: written in the transaction that wants it, sent by a worker.

    `kind` says which builder writes it and `about` is the id of the row it speaks of, so that no
    secret waits here. `leased_until` is when another worker may try.
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
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
