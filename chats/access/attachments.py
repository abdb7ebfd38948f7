"""The attachments of a chat, and the files behind signed links."""

from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chats import links
from chats.access.callers import Caller
from chats.models import Attachment


def get_attachment(caller: Caller, reference: str) -> Attachment:
    """An attachment of the caller's chat. Before a message claims it, only its uploader sees it.

    Raises ApiError 404.
    """
    rows = Attachment.objects.filter(chat_id=caller.chat_id, removed_at=None)
    rows = rows.exclude(status=Attachment.Status.UPLOADING)
    found = rows.filter(pk=parse_id(reference) or 0).first()
    own = caller.chat_user is not None and found and found.uploader_id == caller.chat_user.pk
    if found is None or (found.message_id is None and not own):
        raise not_found()
    return found


def linked_attachment(link: links.Link) -> Attachment:
    """The attachment of a link, ready to be read. Raises ApiError 404."""
    rows = Attachment.objects.filter(
        pk=link.attachment_id,
        status=Attachment.Status.READY,
        removed_at=None,
        chat__deleted_at=None,
        chat__company__deleted_at=None,
    )
    found = rows.first()
    if found is None or (link.is_thumbnail and not found.thumbnail_as):
        raise not_found()
    return found
