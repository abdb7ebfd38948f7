"""The bearer tokens of chat users."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken
from accounts.models.tokens import missing_scope
from chats.models.chat_users import ChatUser
from chats.models.chats import Chat


class ChatUserTokenQuerySet(models.QuerySet["ChatUserToken"]):
    def live(self, now: datetime) -> "ChatUserTokenQuerySet":
        """Valid tokens: their chat user is in an existing chat. An agent also needs an active
        account and the membership by which they joined."""
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
    """A bearer token of one chat user in one chat. Only its SHA-256 is stored."""

    PREFIX: ClassVar[str] = "cnc_"

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The personal access token by which an agent requested it. The token ends with it, expires no
    # later, and copies its scopes, so that a look-up needs no join.
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
    # Only for tokens older than `origin`: whether an agent's browser requested it.
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

    # The interface that views expect of every kind of token.

    @property
    def caller(self) -> str:
        return f"chat_user:{self.chat_user_id}"

    @property
    def limit_key(self) -> str:
        return f"chat:{self.pk}"

    def missing_scope(self, method: str | None) -> str | None:
        return missing_scope(self.scopes, method)
