"""Chats, who takes part in them, and the log of what happens there.

`chat` comes first in every unique key below Chat, so that a chat's rows can be placed together.
"""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.models.tokens import missing_scope
from companies.models import Company, Membership


class Chat(models.Model):
    """A conversation between a company's agents and its guests.

    `last_seq` is the number of the newest event; the row's lock orders all writers of the chat.
    `last_message_seq` is that of the newest `message.created`, 0 when there is none.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    company = models.ForeignKey(
        Company, on_delete=models.CASCADE, related_name="chats", db_index=False
    )
    name = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    sealed_password = models.TextField(editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # A stranger started it and so knows its password: showing it proves nothing of them.
    started_by_guest = models.BooleanField(default=False, db_default=False, editable=False)
    last_seq = models.BigIntegerField(default=0, editable=False)
    last_message_seq = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "external_id"],
                condition=Q(deleted_at=None),
                name="chat_external_id",
            )
        ]
        indexes = [
            # A company's chats by age. No other index has this order: with `id` alone, PostgreSQL
            # may walk the newer chats of all other companies.
            models.Index(fields=["company", "created_at", "id"], name="chat_age"),
            # The few open ones among many closed ones.
            models.Index(fields=["company", "status", "created_at", "id"], name="chat_status_age"),
        ]

    def __str__(self) -> str:
        return self.name or f"Chat {self.pk}"


class ChatUser(models.Model):
    """Somebody who takes part, or took part, in a chat: a guest, or an agent with an account."""

    class Role(models.TextChoices):
        GUEST = "guest"
        AGENT = "agent"

    class Status(models.TextChoices):
        INVITED = "invited"
        ACTIVE = "active"
        LEFT = "left"
        REMOVED = "removed"
        BANNED = "banned"

    class Assurance(models.TextChoices):
        CLAIMED = "claimed"
        EMAIL_VERIFIED = "email_verified"
        MEMBER = "member"

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="users", db_index=False)
    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=100, blank=True, default="")
    last_name = models.CharField(max_length=100, blank=True, default="")
    role = models.CharField(max_length=10, choices=Role, default=Role.GUEST)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    assurance = models.CharField(max_length=20, choices=Assurance, default=Assurance.CLAIMED)
    # An agent's account and the membership that lets it in.
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="chat_users",
        db_index=False,
    )
    membership = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="chat_users"
    )
    last_read_seq = models.BigIntegerField(default=0, editable=False)
    # When a stream of theirs ended last; who has one open is seen now.
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # When a member asked this address in last, which lets a former member come as a guest.
    invited_at = models.DateTimeField(null=True, blank=True, editable=False)
    joined_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "email"], name="chat_user_email")]
        # An account's places in chats, and its place in one.
        indexes = [models.Index(fields=["user", "chat"], name="chat_user_account")]

    def __str__(self) -> str:
        return self.name

    # What DRF asks of the one who calls.
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email.partition("@")[0]


class AuthCode(models.Model):
    """A code that proves an address. The code itself is derived from `nonce`, never stored."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="auth_codes")
    nonce = models.BinaryField(max_length=16, editable=False)
    # Wrong guesses, counted by who makes them: holders of the attempt key, the network that asked
    # for the code, and everybody else.
    attempts = models.PositiveSmallIntegerField(default=0)
    network_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    other_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    asked_from = models.CharField(
        max_length=32, default="", db_default="", help_text="A keyed hash of the network."
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Code {self.pk} for chat user {self.chat_user_id}"


class ChatUserTokenQuerySet(models.QuerySet["ChatUserToken"]):
    def live(self, now: datetime) -> "ChatUserTokenQuerySet":
        """The tokens that are good: of somebody who is in a chat that is there; of an agent, as
        long as the account and the membership that let the agent in."""
        return self.filter(
            Q(chat_user__role=ChatUser.Role.GUEST)
            | Q(
                chat_user__membership__isnull=False,
                chat_user__membership__ended_at=None,
                chat_user__user__is_active=True,
            ),
            revoked_at=None,
            expires_at__gt=now,
            chat_user__status=ChatUser.Status.ACTIVE,
            chat__deleted_at=None,
            chat__company__deleted_at=None,
        )


class ChatUserToken(models.Model):
    """A bearer token good for one chat user in one chat. Only its SHA-256 is stored."""

    PREFIX: ClassVar[str] = "cnc_"

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The personal access token by which an agent got it, and with which it ends. It has its scopes,
    # so that a look-up needs no join, and expires no later.
    origin = models.ForeignKey(
        ApiToken,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="chat_user_tokens",
        db_index=False,
    )
    scopes = models.CharField(
        max_length=50, default="read,write", db_default="read,write", editable=False
    )
    # Only of tokens from before there was an origin: whether an agent's browser asked for it.
    by_browser = models.BooleanField(default=False, db_default=False, editable=False)

    objects = ChatUserTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "chat-user token"
        constraints = [models.UniqueConstraint(fields=["chat", "digest"], name="chat_user_token")]
        indexes = [
            models.Index(
                fields=["origin"], condition=Q(origin__isnull=False), name="chat_user_token_origin"
            )
        ]

    def __str__(self) -> str:
        return f"Token {self.pk} of chat user {self.chat_user_id}"

    # What a view asks of any kind of token.

    @property
    def caller(self) -> str:
        return f"chat_user:{self.chat_user_id}"

    @property
    def limit_key(self) -> str:
        return f"chat:{self.pk}"

    def missing_scope(self, method: str | None) -> str | None:
        return missing_scope(self.scopes, method)


class Departure(models.Model):
    """A membership that ended, and how far workers have come with what follows in the chats."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    rotate_passwords = models.BooleanField()
    last_chat_id = models.BigIntegerField(default=0)  # whose password was renewed last
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(done_at=None), name="departure_to_do"),
        ]

    def __str__(self) -> str:
        return f"End of membership {self.membership_id}"


class Message(models.Model):
    """Something said. `seq` is that of its `message.created`; deleted, only a tombstone stays."""

    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField()
    # No constraint, as no index would serve it: rows below a chat go with the chat, all at once.
    author = models.ForeignKey(
        ChatUser,
        on_delete=models.DO_NOTHING,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    text = models.TextField()
    assurance = models.CharField(max_length=20, choices=ChatUser.Assurance)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True, editable=False)
    request_hash = models.BinaryField(max_length=32, null=True, editable=False)

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


class MessageRevision(models.Model):
    """A text that a message had before an edit, kept for members until the message is deleted."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Earlier text of message {self.message_id}"


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
