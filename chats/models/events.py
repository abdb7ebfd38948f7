"""The two logs of a chat: what happens in it, and what only members may know.

The chat's log, `Event`, is for everyone in the chat. The members' log, `MemberEvent`, has numbers
and rows of its own, so that nothing of it can show in the first: no gap, and no row to filter out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from chats.models.chats import Chat
from chats.models.messages import Message
from chats.models.notes import Note


class EventType(models.TextChoices):
    """The types of the events in a chat's logs. EVENT_KINDS has a row for each."""

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
    ATTACHMENT_UPDATED = "attachment.updated"
    REACTION_ADDED = "reaction.added"
    REACTION_REMOVED = "reaction.removed"
    NOTE_CREATED = "note.created"
    NOTE_UPDATED = "note.updated"
    NOTE_DELETED = "note.deleted"
    MENTION_CREATED = "mention.created"


class Audience(Enum):
    """Who reads an event, and so which of the two logs has it."""

    EVERYONE = "everyone"
    MEMBERS = "members"


class Subject(Enum):
    """What an event is about. Its `data` shows the subject in its public form."""

    CHAT = "chat"
    USER = "user"
    MESSAGE = "message"
    NOTE = "note"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class EventKind:
    """What readers of the log need to know about a type of event."""

    subject: Subject
    # The event in words. The parameters are the `name` of the chat, of the chat user or of the
    # author, the message's `seq` or the note's `member_seq`, and the `emoji` of a reaction.
    notice: str | Promise
    announced: bool = False  # whether open pages read the notice out to screen readers
    # Whether it changes how earlier events are shown: they show the current message and author.
    changes_earlier: bool = False
    # What its example in the schema shows differently from the example of the subject.
    example: Mapping[str, Any] = field(default_factory=dict)
    audience: Audience = Audience.EVERYONE


EVENT_KINDS = {
    EventType.CHAT_CREATED: EventKind(Subject.CHAT, gettext_lazy("Chat created: “%(name)s”")),
    EventType.CHAT_UPDATED: EventKind(
        Subject.CHAT, gettext_lazy("Chat updated: “%(name)s”"), example={"name": "Booking 4712"}
    ),
    EventType.CHAT_CLOSED: EventKind(
        Subject.CHAT, gettext_lazy("Chat closed"), example={"status": "closed"}
    ),
    EventType.CHAT_REOPENED: EventKind(Subject.CHAT, gettext_lazy("Chat reopened")),
    EventType.USER_JOINED: EventKind(
        Subject.USER,
        gettext_lazy("%(name)s joined."),
        announced=True,
        changes_earlier=True,  # a rejoin may change the role
    ),
    EventType.USER_UPDATED: EventKind(
        Subject.USER,
        gettext_lazy("%(name)s was updated (name, role or assurance)."),
        changes_earlier=True,
        example={"first_name": "Georgina"},
    ),
    EventType.USER_LEFT: EventKind(
        Subject.USER,
        gettext_lazy("%(name)s left."),
        announced=True,
        example={"status": "left", "left_at": "2021-07-05T10:00:00.000000Z"},
    ),
    EventType.USER_REMOVED: EventKind(
        Subject.USER,
        gettext_lazy("%(name)s was removed."),
        announced=True,
        example={"status": "banned", "left_at": "2021-07-05T10:00:00.000000Z"},
    ),
    EventType.MESSAGE_CREATED: EventKind(Subject.MESSAGE, "%(name)s sent message %(seq)s."),
    EventType.MESSAGE_UPDATED: EventKind(
        Subject.MESSAGE,
        gettext_lazy("%(name)s edited message %(seq)s."),
        changes_earlier=True,
        example={
            "text": "Hello, I would like to change my booking 4711.",
            "edited_at": "2021-07-05T09:33:00.000000Z",
        },
    ),
    EventType.MESSAGE_DELETED: EventKind(
        Subject.MESSAGE,
        gettext_lazy("Message %(seq)s of %(name)s was deleted."),
        changes_earlier=True,
        example={"text": None, "deleted_at": "2021-07-05T09:35:00.000000Z"},
    ),
    EventType.ATTACHMENT_UPDATED: EventKind(
        Subject.MESSAGE,
        "A file of message %(seq)s of %(name)s was processed.",
        changes_earlier=True,
    ),
    EventType.REACTION_ADDED: EventKind(
        Subject.MESSAGE,
        gettext_lazy("Reaction %(emoji)s added to message %(seq)s of %(name)s."),
        changes_earlier=True,
        example={
            "reactions": [{"emoji": "👍", "count": 1, "chat_user_ids": [8]}],
            "reaction": {"emoji": "👍", "chat_user_id": 8},
        },
    ),
    EventType.REACTION_REMOVED: EventKind(
        Subject.MESSAGE,
        gettext_lazy("Reaction %(emoji)s removed from message %(seq)s of %(name)s."),
        changes_earlier=True,
        example={"reaction": {"emoji": "👍", "chat_user_id": 8}},
    ),
    EventType.NOTE_CREATED: EventKind(
        Subject.NOTE, "%(name)s wrote note %(seq)s.", audience=Audience.MEMBERS
    ),
    EventType.NOTE_UPDATED: EventKind(
        Subject.NOTE,
        "%(name)s edited note %(seq)s.",
        changes_earlier=True,
        example={
            "text": "Gina is a regular guest. Offer her the garden room.",
            "edited_at": "2021-07-05T09:34:00.000000Z",
        },
        audience=Audience.MEMBERS,
    ),
    EventType.NOTE_DELETED: EventKind(
        Subject.NOTE,
        "Note %(seq)s of %(name)s was deleted.",
        changes_earlier=True,
        example={"text": None, "mentions": [], "deleted_at": "2021-07-05T09:36:00.000000Z"},
        audience=Audience.MEMBERS,
    ),
    EventType.MENTION_CREATED: EventKind(
        Subject.MENTION,
        "%(name)s mentioned members in message %(seq)s.",
        audience=Audience.MEMBERS,
    ),
}


class Event(models.Model):
    """An entry of a chat's log, written in the transaction of the change it describes.

    An event of a message references it and is shown with the message as it is now, so that deleted
    and replaced texts are not stored twice; that of a reaction stores the reaction in `data`. All
    other events store what they are about in `data`.
    """

    pk = models.CompositePrimaryKey("chat_id", "seq")
    # The chat's company, so that an index has the events of all its chats in order.
    company_id = models.BigIntegerField()
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=30)  # an EventType, or one of a later version
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
    # The SHA-256 of the content in transcripts, stored when the content is deleted or erased.
    content_hash = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        indexes = [
            # The events of a company's chats since a time, in order.
            models.Index(fields=["company_id", "created_at", "chat", "seq"], name="event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq} of chat {self.chat_id}"


class MemberEvent(models.Model):
    """An entry of a chat's members' log, written in the transaction of the change it describes.

    An event of a note references it, for the reason for which events reference messages.

    Members read both logs as one. `seq` is that of the chat's newest event at that time, which this
    entry follows, and `position`, the sum of both numbers, counts the entries of both logs.
    """

    pk = models.CompositePrimaryKey("chat_id", "member_seq")
    company_id = models.BigIntegerField()
    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="member_events", db_index=False
    )
    member_seq = models.BigIntegerField()
    seq = models.BigIntegerField()
    position = models.BigIntegerField()
    type = models.CharField(max_length=30)
    created_at = models.DateTimeField()
    note = models.ForeignKey(
        Note,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    data = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat", "position"], name="member_event_position")
        ]
        indexes = [
            models.Index(
                fields=["company_id", "created_at", "chat", "member_seq"], name="member_event_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} m{self.member_seq} of chat {self.chat_id}"
