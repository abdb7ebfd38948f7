"""Create, change, delete and restore companies."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.bus import publish
from companies.models import Company, Membership, Role


def create_company(owner: User, *, name: str, slug: str = "", **fields: Any) -> Company:
    """Create a company with `owner` as its first member. Without `slug`, derive one from the name.

    Raises ApiError 422 on `slug` when the given one is taken.
    """
    base = slug or slug_from(name)
    for attempt in range(1, 12):
        suffix = f"-{attempt}" if attempt < 10 else f"-{secrets.token_hex(4)}"
        candidate = base if attempt == 1 else base + suffix
        try:
            with transaction.atomic():
                company = Company.objects.create(name=name, slug=candidate, **fields)
                Membership.objects.create(company=company, user=owner, role=Role.OWNER)
        except IntegrityError:
            if slug:
                raise slug_taken() from None
        else:
            publish.access_changed(f"user:{owner.pk}")
            company.role = Role.OWNER
            return company
    raise slug_taken()


def slug_from(name: str) -> str:
    """Derive a slug that is neither reserved nor all digits, which would read as an id."""
    slug = slugify(name)[:70].strip("-_")
    valid = slug and not slug.isdigit() and slug not in Company.RESERVED_SLUGS
    return slug if valid else f"company-{slug}".strip("-")


def slug_taken() -> ApiError:
    return ApiError(ErrorCode.VALIDATION_FAILED, _("This slug is already taken."), "slug")


def update_company(company: Company, fields: dict[str, Any]) -> Company:
    """Write the given fields. Raises ApiError 422 on `slug` when it is taken."""
    for name, value in fields.items():
        setattr(company, name, value)
    if fields:
        try:
            with transaction.atomic():
                company.save(update_fields=list(fields))
        except IntegrityError:
            raise slug_taken() from None
    return company


def delete_company(company: Company) -> Company:
    """Hide a company and all its chats. Staff can restore it until it is pruned."""
    company.deleted_at = timezone.now()
    Company.objects.filter(pk=company.pk, deleted_at=None).update(deleted_at=company.deleted_at)
    publish.access_changed(f"company:{company.pk}")
    return company


def restore_company(company: Company) -> None:
    Company.objects.filter(pk=company.pk).update(deleted_at=None)
    publish.access_changed(f"company:{company.pk}")
