"""Notes, which only members see, and their earlier texts."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chatapi.db.terms import TermsField
from chats.models.chats import Chat


class Note(models.Model):
    """A note. `member_seq` is that of its `note.created`. A deleted one remains as a tombstone.

    `seq` is that of the chat's newest event when the note was written: its place among messages.
    """

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="notes", db_index=False)
    member_seq = models.BigIntegerField()
    seq = models.BigIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    text = models.TextField()
    # The ids of accounts, in the order of the request.
    mentions = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # What a search finds it by. Null when it is deleted.
    terms = TermsField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat", "member_seq"], name="note_member_seq")
        ]

    def __str__(self) -> str:
        return f"Note {self.member_seq} in chat {self.chat_id}"


class NoteRevision(models.Model):
    """The text of a note before an edit, kept until the note is deleted."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Earlier text of note {self.note_id}"
