"""How many mails a company and its members may cause."""

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from chatapi.limits.limiter import Charge
from companies.models import Company

MAX_DAYS = 30


def days_of(created_at: datetime) -> int:
    """The factor by which limits grow with age: 1 on the first day, `MAX_DAYS` after a month."""
    return 1 + min(max((timezone.now() - created_at).days, 0), MAX_DAYS - 1)


def invitation_charges(user: User, company: Company) -> tuple[Charge, Charge]:
    """What a mail to an address of the member's choice costs.

    It counts for the account over all its companies, and for the company over all its members.
    """
    return (
        Charge("MAIL_ACCOUNT", f"user {user.pk}", days_of(user.created_at)),
        Charge("MAIL_COMPANY", f"company {company.pk}", days_of(company.created_at)),
    )
