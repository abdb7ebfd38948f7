"""Files of messages."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chats.models.chat_users import ChatUser
from chats.models.chats import Chat
from chats.models.messages import Message


class Attachment(models.Model):
    """A file that a chat user uploaded: before its message, which claims it.

    Its row exists before its file does, and is removed after the file was, so that no file is
    without a row. Messages store what is shown of their attachments, as `Message.attachments`.
    """

    class Status(models.TextChoices):
        UPLOADING = "uploading"  # until the storage has the file; not shown to anyone
        PROCESSING = "processing"
        READY = "ready"
        REJECTED = "rejected"

    # No constraints, because a chat is purged with all its rows, and these after their files.
    chat = models.ForeignKey(
        Chat, on_delete=models.DO_NOTHING, related_name="attachments", db_constraint=False
    )
    company_id = models.BigIntegerField()
    uploader = models.ForeignKey(
        ChatUser,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    message = models.ForeignKey(
        Message,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    width = models.PositiveIntegerField(null=True)  # pixels
    height = models.PositiveIntegerField(null=True)
    duration = models.FloatField(null=True)  # seconds
    status = models.CharField(max_length=20, choices=Status)
    # A tiny image as a data: URL, shown until the thumbnail is loaded.
    placeholder = models.TextField(default="")
    # Names in the storage.
    stored_as = models.CharField(max_length=64, unique=True)
    thumbnail_as = models.CharField(max_length=64, default="")
    thumbnail_size = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    # How often a worker has begun to process it, and how often without an outage of the storage or
    # the scanner, which is not the file's fault. `next_try_at` is when `due` hands it over again.
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    examinations = models.PositiveIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(null=True)
    # When it was given up: its files are being removed from the storage.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # For the tasks that process, and that remove what nobody claimed.
            models.Index(
                fields=["created_at"],
                name="attachment_pending",
                condition=Q(message=None) | Q(status="processing"),
            ),
            models.Index(
                fields=["removed_at"],
                name="attachment_removed",
                condition=Q(removed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Attachment {self.pk} of chat {self.chat_id}"


class AttachmentUsage(models.Model):
    """How many bytes the attachments of a company have, counted against its quota.

    Rejected ones do not count, because their files are deleted at once.
    """

    company_id = models.BigIntegerField(primary_key=True)
    size = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Attachments of company {self.company_id}: {self.size} bytes"
