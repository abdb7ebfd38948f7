"""Which companies, and which of their members, a caller may see."""

from django.db.models import F, Q, QuerySet

from accounts.models import User
from chatapi.cursors import NUMBER, TEXT, Ordering
from chatapi.errors import ErrorCode, forbidden, not_found
from chatapi.ids import parse_id
from companies.models import (
    Company,
    CompanyQuerySet,
    Membership,
    MembershipQuerySet,
    Role,
    SavedReply,
)


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


def public_company(reference: str) -> Company:
    """A company whose button anybody may press. ApiError 404 when there is none."""
    found = Company.objects.live().filter(named(reference)).first()
    if found is None:
        raise not_found()
    return found


def memberships(company: Company) -> MembershipQuerySet:
    """The members a company has now, with their accounts."""
    return company.memberships.live().select_related("user").order_by("pk")


def ordering_of_members(company: Company) -> Ordering:
    return Ordering(f"members {company.pk}", {"pk": NUMBER})


def membership(company: Company, user_id: str) -> Membership:
    """A member by the id of their account. ApiError 404 when there is none."""
    number = parse_id(user_id)
    found = memberships(company).filter(user_id=number).first() if number else None
    if found is None:
        raise not_found()
    return found


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
