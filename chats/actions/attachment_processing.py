"""Scan and examine uploaded files in a worker, and show the result."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from chatapi.api.errors import ApiError
from chatapi.files import examine, scanner, stores
from chatapi.files.uploads import work_folder
from chats.actions import attachments, events, messages
from chats.models import Attachment, EventType

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(minutes=1)  # longer than examining and scanning usually take
MAX_PAUSE = timedelta(minutes=15)
HANDED_OVER_FOR = timedelta(minutes=10)  # a task may wait for a worker
# Examinations that were killed or did not end. More would hardly have another result.
MAX_EXAMINATIONS = 5


def process(attachment_id: int) -> None:
    """Scan and examine an attachment, and show the result. May run twice, and at the same time.

    When the storage or the scanner is down, the attachment waits for them, and is tried again after
    growing pauses. After MAX_EXAMINATIONS that did not end, it is shown without a result.
    """
    attachment = begin(attachment_id)
    if attachment is None:
        return
    try:
        with work_folder() as name:
            result = inspect(attachment, Path(name))
    except (stores.StorageDownError, scanner.ScannerDownError) as error:
        logger.warning("attachment %s is tried again later: %s", attachment_id, error)
        Attachment.objects.filter(pk=attachment_id).update(examinations=F("examinations") - 1)
    except examine.FailedError as error:
        logger.warning("attachment %s could not be examined: %s", attachment_id, error)
        if attachment.examinations >= MAX_EXAMINATIONS:
            delete_all(finish(attachment_id, unexamined(attachment)))
    else:
        delete_all(finish(attachment_id, result))


def begin(attachment_id: int) -> Attachment | None:
    """Count the attempt, before it can end this process. None if there is nothing to do."""
    rows = Attachment.objects.filter(
        pk=attachment_id, status=Attachment.Status.PROCESSING, removed_at=None
    )
    attachment = rows.first()
    if attachment is None:
        return None
    attachment.attempts += 1
    attachment.examinations += 1
    begun = rows.update(
        attempts=F("attempts") + 1,
        examinations=F("examinations") + 1,
        next_try_at=timezone.now() + pause(attachment.attempts),
    )
    return attachment if begun else None


def pause(attempts: int) -> timedelta:
    """How long to wait after this number of attempts: a minute, and each time twice as long."""
    return min(RETRY_AFTER * (1 << min(attempts - 1, 10)), MAX_PAUSE)


def unexamined(attachment: Attachment) -> dict[str, Any]:
    """The columns that change when no examination ended.

    An image is rejected, because it may say where it was taken. Of sounds and videos, nothing is
    removed, so that only the duration is missing.
    """
    is_image = examine.loses_metadata(attachment.content_type)
    return {"status": Attachment.Status.REJECTED if is_image else Attachment.Status.READY}


def delete_all(names: Iterable[str]) -> None:
    """Delete files that no attachment has. `prune` finds those that can't be deleted now."""
    for name in names:
        with suppress(stores.StorageDownError):
            stores.delete(name)


def inspect(attachment: Attachment, folder: Path) -> dict[str, Any]:
    """The columns of the attachment that change. New files are in the storage then."""
    original = folder / "original"
    stores.fetch(attachment.stored_as, attachment.size, original)
    if settings.CLAMD_URL and scanner.is_infected(original):
        logger.warning("attachment %s is infected", attachment.pk)
        return {"status": Attachment.Status.REJECTED}
    changes: dict[str, Any] = {"status": Attachment.Status.READY}
    if attachment.examinations > MAX_EXAMINATIONS:  # the last ones ended the worker
        return unexamined(attachment)
    if not examine.is_examined(attachment.content_type):
        return changes
    try:
        found = examine.examine(folder, attachment.content_type)
    except examine.UnreadableError:
        return {"status": Attachment.Status.REJECTED}
    has_thumbnail, is_cleaned = found.pop("thumbnail", False), found.pop("clean", False)
    changes |= found
    try:
        if has_thumbnail:
            thumbnail = folder / "thumbnail"
            changes["thumbnail_size"] = thumbnail.stat().st_size
            changes["thumbnail_as"] = store(thumbnail)
        if is_cleaned:
            clean = folder / "clean"
            changes["size"], changes["sha256"] = clean.stat().st_size, file_digest(clean)
            changes["stored_as"] = store(clean)
    except BaseException:
        delete_all(new_files(changes))
        raise
    return changes


def file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def store(path: Path) -> str:
    """Copy a file into the storage; returns its name there. Raises StorageDownError."""
    name = attachments.new_name()
    with path.open("rb") as file:
        stores.save(name, File(file))
    return name


def new_files(changes: Mapping[str, Any]) -> list[str]:
    return [changes[name] for name in ("stored_as", "thumbnail_as") if name in changes]


def finish(attachment_id: int, changes: dict[str, Any]) -> list[str]:
    """Store what processing found, and append it to the log if a message has the attachment.

    Returns the names of files that are no longer used.
    """
    new = new_files(changes)
    with transaction.atomic():
        rows = Attachment.objects.filter(pk=attachment_id)
        chat_id = rows.values_list("chat_id", flat=True).first()
        if chat_id is None:  # removed meanwhile
            return new
        try:
            events.lock_chat(chat_id)
        except ApiError:  # deleted meanwhile
            return new
        attachment = (
            Attachment.objects.select_for_update()
            .filter(pk=attachment_id, status=Attachment.Status.PROCESSING, removed_at=None)
            .first()
        )
        if attachment is None:  # another worker was faster, or the message was deleted
            return new
        former, size = attachment.stored_as, attachment.size
        for name, value in changes.items():
            setattr(attachment, name, value)
        attachment.save(update_fields=list(changes))
        kept = 0 if attachment.status == Attachment.Status.REJECTED else attachment.size
        attachments.add_usage(attachment.company_id, kept - size)
        if attachment.message_id is not None:
            show_again(attachment)
    if attachment.stored_as != former or attachment.status == Attachment.Status.REJECTED:
        return [former]
    return []


def show_again(attachment: Attachment) -> None:
    """Update what the message shows of its attachment, and append the event."""
    message = messages.get(attachment.chat_id, attachment.message_id or 0)
    now = attachments.shown(attachment)
    message.attachments = [
        now if each["id"] == attachment.pk else each for each in message.attachments or ()
    ]
    message.save(update_fields=["attachments"])
    messages.append_event(message, EventType.ATTACHMENT_UPDATED)


def due(now: datetime) -> list[int]:
    """Attachments to hand over to workers: their task was lost, or they are to be tried again.

    Those that were never tried come first. All are due again only after a pause, so that others get
    their turn, and tasks that wait for a worker are not queued twice.
    """
    rows = Attachment.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now),
        status=Attachment.Status.PROCESSING,
        removed_at=None,
        created_at__lt=now - RETRY_AFTER,
        chat__deleted_at=None,
        chat__company__deleted_at=None,
    )
    first = rows.order_by(F("next_try_at").asc(nulls_first=True), "created_at")
    ids = list(first.values_list("pk", flat=True)[: attachments.BATCH])
    Attachment.objects.filter(pk__in=ids).update(next_try_at=now + HANDED_OVER_FOR)
    return ids
