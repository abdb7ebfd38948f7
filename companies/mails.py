"""The mail that invites somebody to a company."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from chatapi.mail.letters import KINDS, Letter, MailKind
from chatapi.mail.names import plain_name
from companies.access.invitations import LINK_DAYS, blocks_against, link_key, open_invitations


def invitation(membership_id: int) -> Letter | None:
    found = open_invitations().filter(pk=membership_id).first()
    if found is None or blocks_against(found.email, found.company_id).exists():
        return None
    page = reverse("invitation", args=[link_key(found)])
    return Letter.render(
        "company_invitation",
        _("You are invited to answer a company's chats"),
        {
            "company": plain_name(found.company.name),
            "membership": found,
            "days": LINK_DAYS,
            "url": f"{settings.PUBLIC_URL}{page}",
        },
    )


KINDS["company_invitation"] = MailKind(invitation)
