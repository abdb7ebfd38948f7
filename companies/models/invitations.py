"""Blocks against unwanted invitations."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from companies.models.companies import Company


class InvitationBlock(models.Model):
    """Stops invitations to an address: from one company, or from all when `company` is null."""

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
