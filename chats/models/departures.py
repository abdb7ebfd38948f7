"""The follow-up work in chats when a membership ends."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from companies.models import Membership


class Departure(models.Model):
    """A membership that ended, and the progress of the follow-up work in its chats."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    rotate_passwords = models.BooleanField()
    last_chat_id = models.BigIntegerField(default=0)  # whose password was rotated last
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(done_at=None), name="departure_to_do"),
        ]

    def __str__(self) -> str:
        return f"End of membership {self.membership_id}"
