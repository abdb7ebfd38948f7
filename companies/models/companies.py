"""Companies."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

MAX_NAME_LENGTH = 200


class CompanyQuerySet(models.QuerySet["Company"]):
    def live(self) -> "CompanyQuerySet":
        return self.filter(deleted_at=None)


class Company(models.Model):
    """A company. Deleted ones are kept for `KEEP_DELETED_DAYS`."""

    name = models.CharField(max_length=MAX_NAME_LENGTH)
    slug = models.SlugField(max_length=80, unique=True)
    logo_url = models.URLField(max_length=500, blank=True, default="")
    verify_first_join = models.BooleanField(
        default=True,
        help_text="Guests must enter a mailed code on their first join, not only when they return.",
    )
    mail_transcripts = models.BooleanField(
        default=False,
        db_default=False,
        help_text="When a chat is closed, its guests get the transcript by mail.",
    )
    edit_window_minutes = models.PositiveIntegerField(
        default=15, help_text="How many minutes authors can edit their messages."
    )
    chat_user_token_days = models.PositiveIntegerField(default=30)
    allowed_origins = models.JSONField(
        default=list, blank=True, help_text="Websites that may embed the chat."
    )
    # {"timezone": "Europe/Berlin", "monday": [["09:00", "17:00"]], …}; empty: always open.
    opening_hours = models.JSONField(default=dict, blank=True)
    closed_text = models.CharField(
        max_length=500, blank=True, default="", help_text="Shown to visitors outside opening hours."
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CompanyQuerySet.as_manager()

    # Annotated by queries: the caller's role, and the numbers of members and chats.
    role: str
    members_total: int
    chats_total: int

    RESERVED_SLUGS: ClassVar[frozenset[str]] = frozenset({"new"})  # /companies/new is a page
    # Columns that requests about a chat never read.
    FOR_PAGES: ClassVar[tuple[str, ...]] = ("allowed_origins", "opening_hours", "closed_text")

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name
