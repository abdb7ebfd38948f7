"""Messages and their earlier texts."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chatapi.db.terms import TermsField
from chats.models.chat_users import ChatUser
from chats.models.chats import Chat


class Message(models.Model):
    """A message. `seq` is that of its `message.created`. A deleted one remains as a tombstone."""

    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField()
    # No constraint, because no index would serve it: a chat is purged with all its rows.
    author = models.ForeignKey(
        ChatUser,
        on_delete=models.DO_NOTHING,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    text = models.TextField()
    assurance = models.CharField(max_length=20, choices=ChatUser.Assurance)
    # An earlier message of the chat. Like `author`, it stays as long as the chat does.
    reply_to = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # A list of {"emoji", "chat_user_ids"} in the order of first use. Null when there are none.
    reactions = models.JSONField(null=True, blank=True, editable=False)
    # What is shown of its Attachments, in their order (see `actions.attachments.shown`). Null when
    # there are none.
    attachments = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True, editable=False)
    request_hash = models.BinaryField(max_length=32, null=True, editable=False)
    # What a search finds it by. Null until `index_messages` has made them, and when it is deleted.
    terms = TermsField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["chat", "author", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="message_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.seq} of chat {self.chat_id}"


def searchable_text(text: str, attachments: Iterable[Mapping[str, Any]] | None) -> str:
    """What a search finds a message by: its text, and the names of its files."""
    return "\n".join([text, *(each["name"] for each in attachments or ())])


class MessageRevision(models.Model):
    """The text of a message before an edit, kept for members until the message is deleted."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Earlier text of message {self.message_id}"
