"""Signed links to attachments. Who has one can read its file until it expires."""

import time
from typing import NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.core.signing import BadSignature, Signer

from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.ids import parse_id

VALID_SECONDS = 3600
# Links expire at multiples of this, so that a browser finds the same link in its cache.
STEP_SECONDS = 300
_signer = Signer(salt="chats.attachment", sep=".")


class Link(NamedTuple):
    attachment_id: int
    is_thumbnail: bool
    seconds_left: int


def link(attachment_id: int, name: str, *, thumbnail: bool = False) -> str:
    """The address of a file, valid for at least VALID_SECONDS. It ends with the name."""
    expires = (int(time.time()) + VALID_SECONDS + STEP_SECONDS) // STEP_SECONDS * STEP_SECONDS
    signed = _signer.sign(f"{attachment_id}.{'t' if thumbnail else 'o'}.{expires}")
    return f"{settings.PUBLIC_URL}/files/{signed}/{quote(name, safe='')}"


def read(signed: str) -> Link:
    """Parse the signed part. Raises ApiError 404 for a forged one, 403 for one that expired."""
    try:
        attachment, variant, expires = _signer.unsign(signed).split(".")
    except (BadSignature, ValueError):
        raise not_found() from None
    left = int(expires) - int(time.time())
    if left <= 0:
        raise ApiError(ErrorCode.LINK_EXPIRED)
    return Link(parse_id(attachment) or 0, variant == "t", left)
