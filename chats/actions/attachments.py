"""Upload files, claim them for a message, and remove them."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from chatapi.api.encoding import instant
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.files import examine, stores
from chatapi.files.names import clean_name
from chatapi.files.types import contradicts, is_allowed, sniff
from chatapi.files.uploads import Upload, remove_leftovers
from chats.models import Attachment, AttachmentUsage, Chat, ChatUser
from companies.models import Company

# Sent with an `attachment` that a worker has to process.
uploaded_unprocessed = Signal()

UNCLAIMED_FOR = timedelta(days=1)
BATCH = 100


def upload(uploader: ChatUser, file: Upload) -> Attachment:
    """Store a file that a message of the uploader can claim.

    Raises ApiError 403 `chat_closed`, 422 `file_too_large`, `file_type`, `quota_exceeded` or, for
    an empty file, `validation_failed`, and 503 `storage_down`. Nothing is left then.
    """
    if uploader.chat.status != Chat.Status.OPEN:
        raise ApiError(ErrorCode.CHAT_CLOSED)
    size = file.size or 0
    if size == 0:
        raise ApiError(ErrorCode.VALIDATION_FAILED, "The file is empty.", "file")
    if size > settings.MAX_FILE_BYTES:
        limit = settings.MAX_FILE_BYTES / 2**20
        raise ApiError(ErrorCode.FILE_TOO_LARGE, f"The file is larger than {limit:g} MiB.", "file")
    name = clean_name(file.name or "")
    content_type = sniff(Path(file.temporary_file_path()), name)
    if contradicts(name, content_type) or not is_allowed(content_type):
        raise ApiError(ErrorCode.FILE_TYPE, field="file")
    attachment = reserve(
        Attachment(
            chat_id=uploader.chat_id,
            company_id=uploader.chat.company_id,
            uploader=uploader,
            name=name,
            content_type=content_type,
            size=size,
            sha256=file.sha256,
            status=Attachment.Status.UPLOADING,
            stored_as=new_name(),
        )
    )
    row = Attachment.objects.filter(pk=attachment.pk)
    try:
        stores.save(attachment.stored_as, file)
    except stores.StorageDownError:
        discard(row)
        raise ApiError(ErrorCode.STORAGE_DOWN) from None
    must_wait = bool(settings.CLAMD_URL) or examine.is_examined(content_type)
    attachment.status = Attachment.Status.PROCESSING if must_wait else Attachment.Status.READY
    if not row.filter(removed_at=None).update(status=attachment.status):
        # Given up meanwhile. `sweep` may have looked for the file before it was there.
        with suppress(stores.StorageDownError):  # `prune` finds the file
            stores.delete(attachment.stored_as)
        raise ApiError(ErrorCode.STORAGE_DOWN)
    if must_wait:
        uploaded_unprocessed.send(Attachment, attachment=attachment)
    return attachment


def new_name() -> str:
    """A random name in the storage, in one of 256 folders."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name}"


def reserve(attachment: Attachment) -> Attachment:
    """Create the row, and count its bytes. Raises ApiError 422 `quota_exceeded`."""
    with transaction.atomic():
        company_id, size = attachment.company_id, attachment.size
        room = settings.COMPANY_QUOTA_BYTES - size
        AttachmentUsage.objects.get_or_create(company_id=company_id)
        usage = AttachmentUsage.objects.filter(company_id=company_id, size__lte=room)
        if not usage.update(size=F("size") + size):
            raise ApiError(ErrorCode.QUOTA_EXCEEDED)
        attachment.save(force_insert=True)
    return attachment


def shown(attachment: Attachment) -> dict[str, Any]:
    """What `Message.attachments` stores of an attachment."""
    return {
        "id": attachment.pk,
        "name": attachment.name,
        "size": attachment.size,
        "content_type": attachment.content_type,
        "width": attachment.width,
        "height": attachment.height,
        "duration": attachment.duration,
        "status": attachment.status,
        "thumbnail": bool(attachment.thumbnail_as),
        "placeholder": attachment.placeholder,
        "created_at": instant(attachment.created_at),
    }


# --- Claim ---


def claim(author: ChatUser, ids: Sequence[int]) -> list[Attachment]:
    """Lock unclaimed attachments of the author, in the order of `ids`, for a message.

    The chat must be locked. Raises ApiError 422 `attachment_unknown`.
    """
    usable = (Attachment.Status.PROCESSING, Attachment.Status.READY)
    found = Attachment.objects.select_for_update().filter(
        pk__in=ids,
        chat_id=author.chat_id,
        uploader_id=author.pk,
        message=None,
        removed_at=None,
        status__in=usable,
    )
    by_id = {each.pk: each for each in found.order_by("pk")}
    if len(ids) != len(by_id):
        raise ApiError(ErrorCode.ATTACHMENT_UNKNOWN, field="attachment_ids")
    return [by_id[each] for each in ids]


# --- Remove ---


def remove(uploader: ChatUser, attachment_id: int) -> bool:
    """Remove an attachment of the uploader that no message has. Returns False if there is none."""
    rows = Attachment.objects.filter(pk=attachment_id, uploader=uploader, message=None)
    return discard(rows) > 0


def discard(rows: QuerySet[Attachment]) -> int:
    """Give attachments up; `sweep` removes their files. Returns their number."""
    return rows.filter(removed_at=None).update(removed_at=timezone.now())


def sweep() -> int:
    """Remove the files and rows of attachments that were given up. Returns their number.

    Raises StorageDownError at the end when some could not be removed.
    """
    done, failure = 0, None
    for attachment in in_batches(Attachment.objects.filter(removed_at__isnull=False)):
        try:
            for name in filter(None, (attachment.stored_as, attachment.thumbnail_as)):
                stores.delete(name)
        except stores.StorageDownError as error:  # another file may be removed nevertheless
            failure = error
            continue
        with transaction.atomic():
            deleted, _ = Attachment.objects.filter(pk=attachment.pk).delete()
            # Not if another worker was faster.
            if deleted and attachment.status != Attachment.Status.REJECTED:
                add_usage(attachment.company_id, -attachment.size)
        done += deleted
    if failure is not None:
        raise failure
    return done


def in_batches(rows: QuerySet[Attachment]) -> Iterator[Attachment]:
    """All rows, of which BATCH are in memory. They may be deleted meanwhile."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from batch
        last = batch[-1].pk


def add_usage(company_id: int, size: int) -> None:
    AttachmentUsage.objects.filter(company_id=company_id).update(size=F("size") + size)


def prune(now: datetime) -> int:
    """Remove what no message claimed for a day, and files that belong to no attachment.

    Also removes what killed processes of this machine left in UPLOAD_DIR. Returns the number of
    files without attachments. Raises StorageDownError.
    """
    before = now - UNCLAIMED_FOR
    remove_leftovers(before)
    discard(Attachment.objects.filter(message=None, created_at__lt=before))
    sweep()
    AttachmentUsage.objects.exclude(company_id__in=Company.objects.values("pk")).delete()
    count = 0
    for name in orphans(before):
        stores.delete(name)
        count += 1
    return count


def orphans(before: datetime) -> Iterator[str]:
    """Files stored before that time that no attachment has, as of a killed worker.

    The file of a rejected attachment is still there if the storage was down.
    """
    for names in batched(stores.names(), BATCH):
        rows = Attachment.objects.exclude(status=Attachment.Status.REJECTED)
        rows = rows.filter(Q(stored_as__in=names) | Q(thumbnail_as__in=names))
        known = {each for row in rows.values_list("stored_as", "thumbnail_as") for each in row}
        for name in names:
            if name in known:
                continue
            modified_at = stores.modified_at(name)
            if modified_at is not None and modified_at < before:
                yield name


def batched(names: Iterator[str], size: int) -> Iterator[list[str]]:
    while batch := list(islice(names, size)):
        yield batch
