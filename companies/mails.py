"""The mails of this app."""

from django.conf import settings

from chatapi.mail import KINDS, Letter, MailKind
from companies.models import Membership


def invitation(membership_id: int) -> Letter | None:
    membership = (
        Membership.objects.live()
        .select_related("company", "user")
        .filter(pk=membership_id, company__deleted_at=None)
        .first()
    )
    if membership is None:
        return None
    company = membership.company
    return Letter.of(
        "company_invitation",
        f"You are {membership.get_role_display().lower()} at {company.name}",
        {"company": company, "membership": membership, "url": settings.PUBLIC_URL},
    )


KINDS["company_invitation"] = MailKind(invitation)
