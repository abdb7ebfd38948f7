"""The log of a chat."""

from dataclasses import dataclass

from django.db import models

from chats.models.chats import Chat
from chats.models.messages import Message


class EventType(models.TextChoices):
    """The types of the events in a chat's log. EVENT_KINDS has a row for each."""

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


@dataclass(frozen=True, slots=True)
class EventKind:
    """What readers of the log need to know about a type of event."""

    notice: str  # in the admin's transcript, after the name of the person it is about
    # True if it changes how earlier events are shown, which have the message and its author as
    # they are now.
    changes_earlier: bool = False


EVENT_KINDS = {
    EventType.CHAT_CREATED: EventKind("Chat created"),
    EventType.CHAT_UPDATED: EventKind("Chat updated"),
    EventType.CHAT_CLOSED: EventKind("Chat closed"),
    EventType.CHAT_REOPENED: EventKind("Chat reopened"),
    EventType.USER_JOINED: EventKind(
        "joined", changes_earlier=True
    ),  # a rejoin may change the role
    EventType.USER_UPDATED: EventKind(
        "was updated (name, role or assurance)", changes_earlier=True
    ),
    EventType.USER_LEFT: EventKind("left"),
    EventType.USER_REMOVED: EventKind("was removed"),
    EventType.MESSAGE_CREATED: EventKind("sent a message"),
    EventType.MESSAGE_UPDATED: EventKind("edited message", changes_earlier=True),
    EventType.MESSAGE_DELETED: EventKind("was deleted", changes_earlier=True),
}


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
