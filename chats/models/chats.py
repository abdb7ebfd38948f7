"""Conversations between a company's agents and its guests."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from companies.models import Company

MAX_NAME_LENGTH = 200
MAX_EXTERNAL_ID_LENGTH = 200


class Chat(models.Model):
    """A conversation between a company's agents and its guests.

    `last_seq` is the seq of the newest event; the row's lock orders all writers of the chat.
    `last_message_seq` is that of the newest `message.created`, 0 when there is none.
    `last_member_seq` is the number of the newest entry of the members' log.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    company = models.ForeignKey(
        Company, on_delete=models.CASCADE, related_name="chats", db_index=False
    )
    name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    sealed_password = models.TextField(editable=False)
    external_id = models.CharField(max_length=MAX_EXTERNAL_ID_LENGTH, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # Set by `start-chat`. A stranger who starts a chat knows its password, so it proves nothing.
    started_by_guest = models.BooleanField(default=False, db_default=False, editable=False)
    last_seq = models.BigIntegerField(default=0, editable=False)
    last_message_seq = models.BigIntegerField(default=0, editable=False)
    last_member_seq = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    # Annotated by queries.
    last_message_id: int | None
    users_total: int
    active_at: datetime | None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "external_id"],
                condition=Q(deleted_at=None),
                name="chat_external_id",
            )
        ]
        indexes = [
            # A company's chats by age. No other index has this order; by `id` alone, PostgreSQL
            # might scan the newer chats of all other companies.
            models.Index(fields=["company", "created_at", "id"], name="chat_age"),
            # For the few open chats among many closed ones.
            models.Index(fields=["company", "status", "created_at", "id"], name="chat_status_age"),
        ]

    def __str__(self) -> str:
        return self.name or f"Chat {self.pk}"
