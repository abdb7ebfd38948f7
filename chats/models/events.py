"""The log of a chat."""

from django.db import models

from chats.models.chats import Chat
from chats.models.messages import Message


class EventType(models.TextChoices):
    """The types of the events in a chat's log."""

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
    """An entry of a chat's log, written in the transaction of the change it describes.

    An event of a message references it and is shown with the message as it is now, so that deleted
    and replaced texts are not stored twice. All other events store their `data`.
    """

    pk = models.CompositePrimaryKey("chat_id", "seq")
    # The chat's company, so that an index has the events of all its chats in order.
    company_id = models.BigIntegerField()
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=30, choices=EventType)
    created_at = models.DateTimeField()
    # No constraint, for the same reason as Message.author.
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
            # The events of a company's chats since a time, in order.
            models.Index(fields=["company_id", "created_at", "chat", "seq"], name="event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq} of chat {self.chat_id}"
