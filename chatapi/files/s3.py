"""Files in a bucket of an S3 server. Imported only where S3_BUCKET is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from chatapi.files.stores import Readable

PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2})
# One part of a file is in memory at a time.
ONE_PART = TransferConfig(use_threads=False)


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Raise what boto3 raises as OSError, as a disk does."""
    try:
        yield
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            raise FileNotFoundError(str(error)) from error
        raise OSError(str(error)) from error
    except BotoCoreError as error:
        raise OSError(str(error)) from error


class Body:
    """A download in progress. Its failures are OSErrors, as those of a disk are."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def read(self, size: int = -1, /) -> bytes:
        with as_os_errors():
            return bytes(self.stream.read(None if size < 0 else size))

    def close(self) -> None:
        self.stream.close()


class BucketStorage(S3Storage):
    """django-storages' bucket, which can also open a part of a file."""

    readable_by_nginx: ClassVar = False

    def __init__(self, **options: Any) -> None:
        defaults = {
            "addressing_style": "path",
            "client_config": PATIENCE,
            "transfer_config": ONE_PART,
        }
        super().__init__(**defaults | options)

    def save(self, name: str, content: "File[bytes]", max_length: int | None = None) -> str:
        with as_os_errors():
            return str(super().save(name, content, max_length))

    def delete(self, name: str) -> None:
        with as_os_errors():
            super().delete(name)

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with as_os_errors():
            folders, files = super().listdir(name)
        return folders, files

    def get_modified_time(self, name: str) -> datetime:
        with as_os_errors():
            found: datetime = super().get_modified_time(name)
        return found

    def section(self, name: str, start: int, length: int) -> Readable:
        """Open `length` bytes from `start` on. Raises OSError."""
        span = f"bytes={start}-{start + length - 1}"
        with as_os_errors():
            return Body(self.bucket.Object(name).get(Range=span)["Body"])
