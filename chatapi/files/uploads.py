"""How a multipart body with files is read: each file is written once, and hashed on the way."""

import hashlib
import logging
import os
import re
import shutil
import stat
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework import parsers
from rest_framework.exceptions import ParseError

logger = logging.getLogger(__name__)

CLOSING_BYTES = 512  # more than the last boundary of a body has
BOUNDARY = re.compile(r'boundary="?([^";]+)')


# Names in UPLOAD_DIR, which other programs may use, too: of Django's uploads, and of `work_folder`.
FOLDER_PREFIX = "chat-attachment-"
OWN_FILE = re.compile(r"tmp\w{8}\.upload\b.*", re.DOTALL)


class Upload(TemporaryUploadedFile):
    """An uploaded file on disk, where the storage can move it instead of copying it."""

    sha256: bytes


class HashingUploadHandler(TemporaryFileUploadHandler):
    """Writes each file into UPLOAD_DIR and computes its SHA-256."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> TemporaryUploadedFile:
        file: Any = super().file_complete(file_size)
        file.sha256 = self.digest.digest()
        return cast("TemporaryUploadedFile", file)


class MultiPartParser(parsers.MultiPartParser):
    """Also refuses a body that ends before its last boundary, whose last file may be cut off."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.META["wsgi.input"]
        boundary = BOUNDARY.search(media_type or stream.META.get("CONTENT_TYPE", ""))
        if boundary and body.seekable():
            length = int(stream.META.get("CONTENT_LENGTH") or 0)
            body.seek(max(0, length - CLOSING_BYTES))
            is_complete = f"--{boundary[1]}--".encode() in body.read(CLOSING_BYTES)
            body.seek(0)
            if not is_complete:
                raise ParseError("The multipart body ends before its last boundary.")
        return super().parse(stream, media_type, parser_context)


class UploadParser(MultiPartParser):
    """The parser of routes that take nothing but files."""


def work_folder() -> "TemporaryDirectory[str]":
    """A folder for the files of one task, removed at its end."""
    return TemporaryDirectory(prefix=FOLDER_PREFIX, dir=settings.UPLOAD_DIR)


def remove_leftovers(before: datetime) -> int:
    """Remove what killed processes left in UPLOAD_DIR before that time. Returns its number."""
    count = 0
    for path in Path(settings.UPLOAD_DIR).iterdir():
        is_folder = path.name.startswith(FOLDER_PREFIX)
        if not is_folder and not OWN_FILE.fullmatch(path.name):
            continue
        try:
            found = path.lstat()
            if found.st_uid != os.getuid() or found.st_mtime >= before.timestamp():
                continue
            if is_folder and stat.S_ISDIR(found.st_mode):
                shutil.rmtree(path)
            elif not is_folder and stat.S_ISREG(found.st_mode):
                path.unlink()
            else:
                continue
        except FileNotFoundError:  # its process ended meanwhile
            continue
        except OSError as error:
            logger.warning("%s could not be removed: %s", path, error)
            continue
        count += 1
    return count
