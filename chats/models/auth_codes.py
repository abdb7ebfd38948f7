"""The codes that prove an e-mail address."""

from django.db import models
from django.utils import timezone

from chats.models.chat_users import ChatUser
from chats.models.chats import Chat


class AuthCode(models.Model):
    """A code that verifies an address. It is derived from `nonce` and never stored."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="auth_codes")
    nonce = models.BinaryField(max_length=16, editable=False)
    # Attempts, counted separately for holders of the attempt key, for the network that requested
    # the code, and for everyone else.
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
