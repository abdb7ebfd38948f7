"""Members of companies, and the invitations that precede them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from companies.models.companies import Company


class Role(models.TextChoices):
    OWNER = "owner"
    MANAGER = "manager"
    AGENT = "agent"

    @property
    def manages(self) -> bool:
        return self in {Role.OWNER, Role.MANAGER}


class MembershipQuerySet(models.QuerySet["Membership"]):
    def live(self) -> "MembershipQuerySet":
        """Current members."""
        return self.filter(ended_at=None, user__isnull=False)

    def invited(self) -> "MembershipQuerySet":
        """Invitations that have not been answered."""
        return self.filter(ended_at=None, user=None)


class Membership(models.Model):
    """A person's role in a company, or an invitation to one.

    An invitation has an `email` and no `user`, so that nothing can refer to the person before they
    accept, which sets `user`. A membership ends when `ended_at` is set; returning creates a new
    row.

    A chat user with the role agent refers to the membership that created it and loses access when
    that membership ends.
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
        max_length=254, blank=True, default="", db_default="", help_text="The invited address."
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
        """The account's id. Invitations have a negative number instead."""
        return -self.pk if self.user_id is None else self.user_id

    @property
    def name(self) -> str | None:
        return self.user.name if self.user else None

    @property
    def address(self) -> str:
        return self.user.email if self.user else self.email
