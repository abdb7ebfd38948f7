"""Limits on the mails that a company and its members send to addresses of their choice."""

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from chatapi.limits.limiter import Charge
from companies.models import Company

MAX_AGE_FACTOR = 30


def age_factor(created_at: datetime) -> int:
    """Return the factor by which limits grow: 1 on the first day, 30 after a month."""
    return 1 + min(max((timezone.now() - created_at).days, 0), MAX_AGE_FACTOR - 1)


def invitation_charges(user: User, company: Company) -> tuple[Charge, Charge]:
    """Return the charges for inviting somebody by mail.

    They fall on the account across all its companies, and on the company across all its members.
    """
    return (
        Charge("MAIL_ACCOUNT", f"user {user.pk}", age_factor(user.created_at)),
        Charge("MAIL_COMPANY", f"company {company.pk}", age_factor(company.created_at)),
    )
