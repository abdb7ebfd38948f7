"""Files in a folder."""

from typing import IO, ClassVar

from django.core.files.storage import FileSystemStorage


class Section:
    """A part of an open file, `length` bytes from its present position."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self.file = file
        self.left = length

    def read(self, size: int = -1, /) -> bytes:
        portion = self.file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(portion)
        return portion

    def close(self) -> None:
        self.file.close()


class DiskStorage(FileSystemStorage):
    """Django's storage in a folder, which can also open a part of a file."""

    readable_by_nginx: ClassVar = True

    def section(self, name: str, start: int, length: int) -> Section:
        """Open `length` bytes from `start` on. Raises FileNotFoundError and other OSErrors."""
        file = open(self.path(name), "rb")  # noqa: SIM115 (the section closes it)
        file.seek(start)
        return Section(file, length)
