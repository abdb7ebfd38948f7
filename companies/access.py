"""Which companies, and which of their members, a caller may see."""

from django.core import signing
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.access.addresses import is_verified
from accounts.models import User
from chatapi.api.cursors import NUMBER, TEXT, Ordering
from chatapi.api.errors import ErrorCode, forbidden, not_found
from chatapi.api.ids import parse_id
from companies.models import Company, InvitationBlock, Membership, Role, SavedReply
from companies.models.companies import CompanyQuerySet
from companies.models.members import MembershipQuerySet


def named(reference: str) -> Q:
    """A company by its id or its slug."""
    number = parse_id(reference)
    if number is not None:
        return Q(pk=number)
    # PostgreSQL refuses a NUL; no slug has one.
    return Q(slug=reference) if "\0" not in reference else Q(pk__in=())


def companies(user: User) -> CompanyQuerySet:
    """The companies of `user`, each with their `role` in it."""
    return (
        Company.objects.live()
        .filter(memberships__user=user, memberships__ended_at=None)
        .annotate(role=F("memberships__role"))
        .order_by("pk")
    )


COMPANIES = Ordering("companies", {"pk": NUMBER})


def company(user: User, reference: str) -> Company:
    """One of them. ApiError 404 to an outsider, as for one that does not exist."""
    found = companies(user).filter(named(reference)).first()
    if found is None:
        raise not_found()
    return found


def require(company: Company, *roles: Role) -> None:
    """ApiError 403 unless the caller's role in `company` is one of `roles`."""
    if company.role not in roles:  # type: ignore[attr-defined]
        raise forbidden(
            ErrorCode.PERMISSION_DENIED, f"This needs the role {' or '.join(sorted(roles))}."
        )


def published_company(slug: str) -> Company:
    """The company of a page that its owner published, by the slug alone: numbers could be counted.

    ApiError 404 when there is none.
    """
    found = Company.objects.live().filter(slug=slug).first() if "\0" not in slug else None
    if found is None:
        raise not_found()
    return found


def public_company(reference: str) -> Company:
    """A company whose button anybody may press. ApiError 404 when there is none."""
    found = Company.objects.live().filter(named(reference)).first()
    if found is None:
        raise not_found()
    return found


def memberships(company: Company) -> MembershipQuerySet:
    """The members that a company has now, with their accounts, and its open invitations."""
    return company.memberships.filter(ended_at=None).select_related("user").order_by("pk")


def ordering_of_members(company: Company) -> Ordering:
    return Ordering(f"members {company.pk}", {"pk": NUMBER})


def membership(company: Company, public_id: str) -> Membership:
    """A member or an open invitation by its `public_id`. ApiError 404 when there is none."""
    number = parse_id(public_id.removeprefix("-"))
    wanted = Q(pk=number, user=None) if public_id.startswith("-") else Q(user_id=number)
    found = memberships(company).filter(wanted).first() if number else None
    if found is None:
        raise not_found()
    return found


# --- Invitations, as the person sees them ------------------------------------------------------

INVITATION_DAYS = 7  # that the link in the mail works
SALT = "companies.invitation"


def open_invitations() -> MembershipQuerySet:
    """Those of companies that still exist, with their company."""
    waiting = Membership.objects.invited().filter(company__deleted_at=None)
    return waiting.select_related("company").order_by("pk")


def invitations(user: User) -> MembershipQuerySet:
    """The open invitations of an account; none before its address is proven."""
    if not is_verified(user):
        return Membership.objects.none()
    blocked = blocks(OuterRef("email"), OuterRef("company_id"))
    return open_invitations().filter(~Exists(blocked), email=user.email)


def invitation(user: User, number: int) -> Membership:
    """One of them. ApiError 404 when there is none."""
    found = invitations(user).filter(pk=number).first()
    if found is None:
        raise not_found()
    return found


def invitation_to(user: User, reference: str) -> Membership:
    """The one to a company. ApiError 404 when there is none."""
    wanted = Company.objects.live().filter(named(reference))
    found = invitations(user).filter(company__in=wanted).first()
    if found is None:
        raise not_found()
    return found


def invitation_key(membership: Membership) -> str:
    """The secret part of the link in an invitation's mail."""
    return signing.dumps(membership.pk, salt=SALT)


def invitation_by_key(key: str) -> Membership | None:
    """The open invitation whose mail has this key; None when it is answered, over or too old."""
    try:
        number = signing.loads(key, salt=SALT, max_age=INVITATION_DAYS * 24 * 3600)
    except signing.BadSignature:
        return None
    return open_invitations().filter(pk=number).first()


def blocks(email: object, company_id: object) -> QuerySet[InvitationBlock]:
    """What keeps invitations of a company from an address."""
    return InvitationBlock.objects.filter(Q(company=company_id) | Q(company=None), email=email)


def own_blocks(user: User) -> QuerySet[InvitationBlock]:
    """What an account blocks; nothing before its address is proven."""
    if not is_verified(user):
        return InvitationBlock.objects.none()
    found = InvitationBlock.objects.filter(email=user.email).select_related("company")
    return found.order_by("pk")


def saved_replies(company: Company) -> QuerySet[SavedReply]:
    """The answers that a company has prepared, by title."""
    return company.saved_replies.order_by("title", "pk")


def ordering_of_replies(company: Company) -> Ordering:
    return Ordering(f"replies {company.pk}", {"title": TEXT, "pk": NUMBER})


def saved_reply(company: Company, reference: str) -> SavedReply:
    """One of them. ApiError 404 when there is none."""
    number = parse_id(reference)
    found = company.saved_replies.filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return found
