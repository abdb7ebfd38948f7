"""Which invitations a person may see, what they have blocked, and the lock on an invitation."""

from django.core import signing
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access.addresses import is_verified
from accounts.models import User
from chatapi.api.errors import not_found
from companies.access.companies import by_id_or_slug, lock_company
from companies.models import Company, InvitationBlock, Membership
from companies.models.members import MembershipQuerySet

LINK_DAYS = 7  # how long the link in the mail works
SALT = "companies.invitation"


def open_invitations() -> MembershipQuerySet:
    """Return all open invitations, with their companies."""
    invited = Membership.objects.invited().filter(company__deleted_at=None)
    return invited.select_related("company").order_by("pk")


def invitations_for(user: User) -> MembershipQuerySet:
    """Return the open invitations of an account; none until its address is verified."""
    if not is_verified(user):
        return Membership.objects.none()
    blocked = blocks_against(OuterRef("email"), OuterRef("company_id"))
    return open_invitations().filter(~Exists(blocked), email=user.email)


def get_invitation(user: User, invitation_id: int) -> Membership:
    """Return an open invitation of an account. Raises ApiError 404."""
    found = invitations_for(user).filter(pk=invitation_id).first()
    if found is None:
        raise not_found()
    return found


def get_invitation_to(user: User, reference: str) -> Membership:
    """Return an account's open invitation to a company, by id or slug. Raises ApiError 404."""
    wanted = Company.objects.live().filter(by_id_or_slug(reference))
    found = invitations_for(user).filter(company__in=wanted).first()
    if found is None:
        raise not_found()
    return found


def link_key(invitation: Membership) -> str:
    """Return the secret part of the link in the mail."""
    return signing.dumps(invitation.pk, salt=SALT)


def invitation_from_link_key(key: str) -> Membership | None:
    """Return the open invitation, or None when the key has expired or the invitation has ended."""
    try:
        invitation_id = signing.loads(key, salt=SALT, max_age=LINK_DAYS * 24 * 3600)
    except signing.BadSignature:
        return None
    return open_invitations().filter(pk=invitation_id).first()


def lock_invitation(invitation: Membership) -> Membership:
    """Return the current row, after making other changes to the company's members wait.

    Raises ApiError 404 when the invitation is no longer open.
    """
    lock_company(invitation.company_id)
    found = open_invitations().filter(pk=invitation.pk).first()
    if found is None:
        raise not_found()
    return found


def blocks_against(email: object, company_id: object) -> QuerySet[InvitationBlock]:
    """Return the blocks that keep a company's invitations from an address."""
    return InvitationBlock.objects.filter(Q(company=company_id) | Q(company=None), email=email)


def blocks_of(user: User) -> QuerySet[InvitationBlock]:
    """Return what an account has blocked; nothing until its address is verified."""
    if not is_verified(user):
        return InvitationBlock.objects.none()
    found = InvitationBlock.objects.filter(email=user.email).select_related("company")
    return found.order_by("pk")
