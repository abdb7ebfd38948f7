"""The participants of a chat."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from accounts.names import name_of
from chats.models.chats import Chat
from companies.models import Membership


class ChatUser(models.Model):
    """A current or former participant of a chat: a guest, or an agent with an account."""

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
    # An agent's account, and the membership by which the agent joined.
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
    # When their latest stream ended. While one is open, they count as online instead.
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # When a member last invited this address, which lets a former member join as a guest.
    invited_at = models.DateTimeField(null=True, blank=True, editable=False)
    joined_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "email"], name="chat_user_email")]
        # An account's chat users in all chats, or in one.
        indexes = [models.Index(fields=["user", "chat"], name="chat_user_account")]

    def __str__(self) -> str:
        return self.name

    # DRF expects these of a user.
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return name_of(self.first_name, self.last_name, self.email)
