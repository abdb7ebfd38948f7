"""The log of a chat."""

from django.db import models

from chats.models.chats import Chat
from chats.models.messages import Message


class EventType(models.TextChoices):
    """What can happen in a chat, as the log names it."""

    CHAT_CREATED = "chat.created"
    CHAT_UPDATED = "chat.updated"
    CHAT_CLOSED = "chat.closed"
    CHAT_REOPENED = "chat.reopened"
    USER_JOINED = "user.joined"
    USER_UPDATED = "user.updated"
    USER_LEFT = "user.left"
    USER_REMOVED = "user.removed"
    MESSAGE_CREATED = "message.created"
    MESSAGE_UPDATED = "message.updated"
    MESSAGE_DELETED = "message.deleted"


class Event(models.Model):
    """One entry of a chat's log, written in the transaction of the change it tells of.

    An event of a message points at it and is shown with the message as it stands now, so that a
    text that was deleted or replaced is nowhere kept twice. All others carry their `data`.
    """

    pk = models.CompositePrimaryKey("chat_id", "seq")
    # The chat's, so that what happened in all chats of a company is found in order.
    company_id = models.BigIntegerField()
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=30, choices=EventType)
    created_at = models.DateTimeField()
    # No constraint, for the reason that Message.author has none.
    message = models.ForeignKey(
        Message,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    data = models.JSONField(null=True)

    class Meta:
        indexes = [
            # What happened in a company's chats since a time, in order.
            models.Index(fields=["company_id", "created_at", "chat", "seq"], name="event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq} of chat {self.chat_id}"
