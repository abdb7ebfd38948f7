"""Ask a virus scanner about a file: clamd's INSTREAM command."""

import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

SECONDS = 60
PORTION_BYTES = 64 * 1024


class ScannerDownError(Exception):
    """The scanner gave no verdict."""


def is_infected(path: Path) -> bool:
    """Return clamd's verdict on the file. Raises ScannerDownError."""
    try:
        with connect() as connection, path.open("rb") as file:
            connection.sendall(b"zINSTREAM\0")
            while portion := file.read(PORTION_BYTES):
                connection.sendall(struct.pack(">I", len(portion)) + portion)
            connection.sendall(struct.pack(">I", 0))
            answer = connection.makefile("rb").read(4096).rstrip(b"\0\n")
    except OSError as error:
        raise ScannerDownError(str(error)) from error
    if answer.endswith(b" OK"):
        return False
    if answer.endswith(b" FOUND"):
        return True
    raise ScannerDownError(answer.decode("utf-8", "replace") or "no answer")


def connect() -> socket.socket:
    parts = urlsplit(settings.CLAMD_URL)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection((parts.hostname or "", parts.port or 3310), SECONDS)
