"""Which companies a caller may see, and the lock on one."""

from django.db.models import F, Q

from accounts.models import User
from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.ids import parse_id
from companies.models import Company, Role
from companies.models.companies import CompanyQuerySet

COMPANIES_ORDERING = Ordering("companies", {"pk": NUMBER})


def by_id_or_slug(reference: str) -> Q:
    """Return a condition that matches a company's id or slug."""
    number = parse_id(reference)
    if number is not None:
        return Q(pk=number)
    # PostgreSQL rejects a NUL character; no slug has one.
    return Q(slug=reference) if "\0" not in reference else Q(pk__in=())


def companies_for(user: User) -> CompanyQuerySet:
    """Return the companies of which `user` is a member, each with the `role` they have there."""
    return (
        Company.objects.live()  # type: ignore[no-redef]  # declared by the model
        .filter(memberships__user=user, memberships__ended_at=None)
        .annotate(role=F("memberships__role"))
        .order_by("pk")
    )


def get_company(user: User, reference: str) -> Company:
    """Return a company of `user`, by id or slug.

    Raises ApiError 404 whether the company does not exist or the user is not a member.
    """
    found = companies_for(user).filter(by_id_or_slug(reference)).first()
    if found is None:
        raise not_found()
    return found


def require_role(company: Company, *roles: Role) -> None:
    """Raise ApiError 403 unless the caller's role in `company` is one of `roles`."""
    if company.role not in roles:
        allowed = " and ".join(f"{role}s" for role in sorted(roles))
        raise ApiError(ErrorCode.PERMISSION_DENIED, f"Only {allowed} can do this.")


def get_published_company(slug: str) -> Company:
    """Return the company whose chat page has this slug.

    Ids are not accepted, since they could be enumerated. Raises ApiError 404.
    """
    found = Company.objects.live().filter(slug=slug).first() if "\0" not in slug else None
    if found is None:
        raise not_found()
    return found


def get_public_company(reference: str) -> Company:
    """Return a company by id or slug, whoever calls. Raises ApiError 404."""
    found = Company.objects.live().filter(by_id_or_slug(reference)).first()
    if found is None:
        raise not_found()
    return found


def lock_company(company_id: int) -> None:
    """Make other changes to a company's members wait until the transaction ends.

    Raises ApiError 404 when the company has been pruned in the meantime.
    """
    if not Company.objects.select_for_update().filter(pk=company_id).first():
        raise not_found()
