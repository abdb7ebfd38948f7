"""Companies, and who belongs to them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Role(models.TextChoices):
    OWNER = "owner"
    MANAGER = "manager"
    AGENT = "agent"

    @property
    def manages(self) -> bool:
        return self in {Role.OWNER, Role.MANAGER}


class CompanyQuerySet(models.QuerySet["Company"]):
    def live(self) -> "CompanyQuerySet":
        return self.filter(deleted_at=None)


class Company(models.Model):
    """A company with its agents. Deleted ones are kept for `KEEP_DELETED_DAYS`."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    logo_url = models.URLField(max_length=500, blank=True, default="")
    verify_first_join = models.BooleanField(
        default=True, help_text="A first join needs a code by mail, like every return."
    )
    edit_window_minutes = models.PositiveIntegerField(
        default=15, help_text="How long the author of a message may edit it."
    )
    chat_user_token_days = models.PositiveIntegerField(default=30)
    allowed_origins = models.JSONField(
        default=list, blank=True, help_text="Websites that may show the chat in a panel."
    )
    # {"timezone": "Europe/Berlin", "monday": [["09:00", "17:00"]], …}; empty: always open.
    opening_hours = models.JSONField(default=dict, blank=True)
    closed_text = models.CharField(
        max_length=500, blank=True, default="", help_text="What visitors read out of hours."
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CompanyQuerySet.as_manager()

    RESERVED_SLUGS: ClassVar[frozenset[str]] = frozenset({"new"})  # /companies/new is a page
    # What no request about a chat reads.
    FOR_PAGES: ClassVar[tuple[str, ...]] = ("allowed_origins", "opening_hours", "closed_text")

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def live(self) -> "MembershipQuerySet":
        """The members of today."""
        return self.filter(ended_at=None, user__isnull=False)

    def invited(self) -> "MembershipQuerySet":
        """The invitations that wait for an answer."""
        return self.filter(ended_at=None, user=None)


class Membership(models.Model):
    """A person's role in a company, or an invitation to have one.

    An invitation has an `email` and no `user`, so that nothing can be bound to a person before they
    accept. Accepting fills in `user`. It ends by `ended_at`; coming back makes a new row.

    A chat user with the role agent points at the membership that made it one, and is good only as
    long as that one lasts.
    """

    class Status(models.TextChoices):
        INVITED = "invited"
        ACTIVE = "active"
        ENDED = "ended"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        null=True,
        blank=True,
    )
    email = models.EmailField(
        max_length=254, blank=True, default="", db_default="", help_text="Of an invitation."
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.AGENT)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True, db_index=True)
    mailed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "user"], condition=Q(ended_at=None), name="membership_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["email"], condition=Q(ended_at=None, user=None), name="membership_invited"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address} in {self.company}: {self.role}"

    @property
    def status(self) -> Status:
        if self.ended_at is not None:
            return self.Status.ENDED
        return self.Status.INVITED if self.user_id is None else self.Status.ACTIVE

    @property
    def public_id(self) -> int:
        """The account's id; of an invitation a negative number, which no account has."""
        return -self.pk if self.user_id is None else self.user_id

    @property
    def name(self) -> str | None:
        return self.user.name if self.user else None

    @property
    def address(self) -> str:
        return self.user.email if self.user else self.email


class InvitationBlock(models.Model):
    """An address that wants no invitations: of one company, or without `company` of any."""

    email = models.EmailField(max_length=254)
    company = models.ForeignKey(
        Company, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email", "company"], name="invitation_block_once"),
            models.UniqueConstraint(
                fields=["email"], condition=Q(company=None), name="invitation_block_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.company or 'all'}"


class SavedReply(models.Model):
    """An answer prepared in advance, for all agents of a company."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="saved_replies")
    title = models.CharField(max_length=100)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "saved replies"
        constraints = [
            models.UniqueConstraint(fields=["company", "title"], name="saved_reply_title")
        ]

    def __str__(self) -> str:
        return self.title
