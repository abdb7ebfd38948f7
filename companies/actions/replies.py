"""Create, change and delete saved replies."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chatapi.api.errors import ApiError, ErrorCode
from companies.models import Company, SavedReply

MAX_REPLIES = 200  # per company


def create_reply(company: Company, *, title: str, text: str) -> SavedReply:
    """Create a saved reply.

    Raises ApiError 422 when the title is taken or the company already has `MAX_REPLIES`.
    """
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=company.pk)  # serialise the count
        if company.saved_replies.count() >= MAX_REPLIES:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED,
                _("A company can have at most %(most)s saved replies.") % {"most": MAX_REPLIES},
            )
        require_free_title(company.pk, title)
        return SavedReply.objects.create(company=company, title=title, text=text)


def update_reply(reply: SavedReply, fields: dict[str, Any]) -> SavedReply:
    """Write the given fields. Raises ApiError 422 on `title` when it is taken."""
    if not fields:
        return reply
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=reply.company_id)
        if "title" in fields:
            require_free_title(reply.company_id, fields["title"], except_id=reply.pk)
        for name, value in fields.items():
            setattr(reply, name, value)
        reply.updated_at = timezone.now()
        reply.save(update_fields=[*fields, "updated_at"])
    return reply


def delete_reply(reply: SavedReply) -> SavedReply:
    """Delete the row; return the reply as it was."""
    SavedReply.objects.filter(pk=reply.pk).delete()
    return reply


def require_free_title(company_id: int, title: str, except_id: int = 0) -> None:
    taken = SavedReply.objects.filter(company_id=company_id, title=title).exclude(pk=except_id)
    if taken.exists():
        raise ApiError(ErrorCode.VALIDATION_FAILED, _("This title is already taken."), "title")
