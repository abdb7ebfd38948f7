"""Which saved replies a caller may see."""

from django.db.models import QuerySet

from chatapi.api.cursors import NUMBER, TEXT, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from companies.models import Company, SavedReply


def saved_replies(company: Company) -> QuerySet[SavedReply]:
    """Return the saved replies of a company, by title."""
    return company.saved_replies.order_by("title", "pk")


def replies_ordering(company: Company) -> Ordering:
    return Ordering(f"replies {company.pk}", {"title": TEXT, "pk": NUMBER})


def get_saved_reply(company: Company, reference: str) -> SavedReply:
    """Return a saved reply of a company by its id. Raises ApiError 404."""
    number = parse_id(reference)
    found = company.saved_replies.filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return found
