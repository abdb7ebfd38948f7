"""Which members of a company a caller may see, and the lock on one."""

from django.db.models import Q

from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from companies.access.companies import lock_company
from companies.models import Company, Membership
from companies.models.members import MembershipQuerySet


def memberships(company: Company) -> MembershipQuerySet:
    """Return the current members of a company, with their accounts, and its open invitations."""
    return company.memberships.filter(ended_at=None).select_related("user").order_by("pk")


def members_ordering(company: Company) -> Ordering:
    return Ordering(f"members {company.pk}", {"pk": NUMBER})


def get_membership(company: Company, public_id: str) -> Membership:
    """Return a member or an open invitation by its `public_id`. Raises ApiError 404."""
    number = parse_id(public_id.removeprefix("-"))
    wanted = Q(pk=number, user=None) if public_id.startswith("-") else Q(user_id=number)
    found = memberships(company).filter(wanted).first() if number else None
    if found is None:
        raise not_found()
    return found


def lock_membership(membership: Membership) -> Membership:
    """Return the current row, after making other changes to the company's members wait.

    Raises ApiError 404 when the row was an invitation that has been accepted in the meantime, since
    its `public_id` has changed.
    """
    lock_company(membership.company_id)
    found = Membership.objects.select_related("user").get(pk=membership.pk)
    if found.public_id != membership.public_id:
        raise not_found()
    return found


def member_id(company_id: int, email: str) -> int | None:
    """The active account with this address, if it is a member of the company now."""
    members = Membership.objects.live().filter(company_id=company_id, user__is_active=True)
    return members.filter(user__email=email).values_list("user_id", flat=True).first()
