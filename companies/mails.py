"""The mails of this app."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.mails import can_log_in, password_link
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
    company, user = membership.company, membership.user
    page = reverse("company", args=[company.slug])
    has_password = can_log_in(user)
    return Letter.of(
        "company_invitation",
        _("You can answer the chats of %(company)s now") % {"company": company.name},
        {
            "company": company,
            "membership": membership,
            "has_password": has_password,
            "url": f"{settings.PUBLIC_URL}{page}" if has_password else password_link(user, page),
        },
    )


KINDS["company_invitation"] = MailKind(invitation)
