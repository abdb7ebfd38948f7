"""Where attachments are kept: a folder, or a bucket of an S3 server."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from django.core.files.base import File
from django.core.files.storage import storages

from chatapi.server.turns import large_turn

logger = logging.getLogger(__name__)

PORTION_BYTES = 256 * 1024


class StorageDownError(Exception):
    """The storage could not be read or written."""


class Readable(Protocol):
    """An open file, or a part of one, that can be read once from start to end."""

    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...


class Store(Protocol):
    """A storage of Django's that can open parts of files. All its failures are OSErrors."""

    readable_by_nginx: bool

    def save(self, name: str, content: "File[bytes]") -> str: ...
    def delete(self, name: str) -> None: ...
    def listdir(self, name: str) -> tuple[list[str], list[str]]: ...
    def get_modified_time(self, name: str) -> datetime: ...
    def section(self, name: str, start: int, length: int) -> Readable: ...


def store() -> Store:
    found: Any = storages["attachments"]
    return cast("Store", found)


@contextmanager
def failing_as_one(doing: str) -> Iterator[None]:
    """Log an OSError, and raise it as StorageDownError."""
    try:
        yield
    except OSError as error:
        logger.warning("storage: %s failed: %s", doing, error)
        raise StorageDownError from error


def save(name: str, content: "File[bytes]") -> None:
    """Store a file under a name that is not in use. Raises StorageDownError."""
    with failing_as_one(f"saving {name}"), large_turn.given_up():
        store().save(name, content)


def open_section(name: str, start: int, length: int) -> Readable:
    """Open `length` bytes from `start` on. Raises StorageDownError."""
    with failing_as_one(f"reading {name}"):
        return store().section(name, start, length)


def fetch(name: str, size: int, target: Path) -> None:
    """Copy a file to `target`. Raises StorageDownError."""
    section = open_section(name, 0, size)
    try:
        with failing_as_one(f"copying {name}"), target.open("wb") as file:
            while portion := section.read(PORTION_BYTES):
                file.write(portion)
    finally:
        section.close()


def delete(name: str) -> None:
    """Delete a file; one that does not exist is no error. Raises StorageDownError."""
    with failing_as_one(f"deleting {name}"):
        store().delete(name)


def modified_at(name: str) -> datetime | None:
    """When a file was stored; None if there is none. Raises StorageDownError."""
    with failing_as_one(f"asking for {name}"):
        try:
            return store().get_modified_time(name)
        except FileNotFoundError:
            return None


def names() -> Iterator[str]:
    """The names of all files, which are in folders of one level. Raises StorageDownError."""
    with failing_as_one("listing"):
        try:
            folders, files = store().listdir("")
        except FileNotFoundError:  # nothing was ever stored
            return
        yield from files
        for folder in folders:
            for name in files_of(folder):
                yield f"{folder}/{name}"


def files_of(folder: str) -> list[str]:
    try:
        return store().listdir(folder)[1]
    except FileNotFoundError:  # removed meanwhile
        return []
