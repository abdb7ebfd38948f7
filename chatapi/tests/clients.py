"""A web process with low limits, and connections to it down to the bytes."""

import contextlib
import socket
from pathlib import Path
from typing import NamedTuple

from chatapi.tests.installation import Installation

LOOK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Server(Installation):
    """One web process with short times and low caps."""

    def __init__(self, folder: Path, **settings: str) -> None:
        low = {
            "CLIENT_SECONDS": "1",
            "BODY_SECONDS": "3",
            "KEEP_ALIVE_SECONDS": "2",
            "CONNECTIONS_PER_ADDRESS": "20",
            "CONNECTIONS_PER_PROCESS": "50",
            "LIMIT_CODE_TRY": "999/s",
            "LIMIT_ANONYMOUS": "999/s",
        }
        super().__init__(folder, **{"WEB_CONCURRENCY": "1"} | low | settings)
        if not settings:
            self.made = self.demo()
        self.start("web")

    def connect(self, source: str = "127.0.0.1", receive_bytes: int = 0) -> "Raw":
        raw = socket.socket()
        if receive_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        raw.bind((source, 0))
        raw.settimeout(20)
        raw.connect(("127.0.0.1", self.port))
        return Raw(raw)

    def resident(self) -> int:
        """Bytes of memory that the worker has."""
        (worker,) = self.children("web")
        status = Path(f"/proc/{worker}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def served(self, source: str = "127.0.0.1") -> bool:
        with self.connect(source) as raw:
            raw.send(LOOK)
            return raw.answer().status == 200


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes


class Raw:
    """A connection down to the bytes."""

    def __init__(self, raw: socket.socket) -> None:
        self.socket = raw
        self.rest = bytearray()

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> bool:
        """False when the connection has been cut."""
        try:
            self.socket.sendall(content)
        except OSError:
            return False
        return True

    def answer(self) -> Answered:
        """The next answer; its status is 0 when the connection ends before it is complete."""
        try:
            head = self._until(b"\r\n\r\n").decode("latin-1")
            first, *lines = head.splitlines()
            headers = {
                name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
            }
            content = b""
            if headers.get("transfer-encoding") == "chunked":
                while size := int(self._until(b"\r\n"), 16):
                    content += self._exactly(size + 2)[:-2]
                self._until(b"\r\n")
            else:
                content = self._exactly(int(headers["content-length"]))
        except ConnectionError:
            return Answered(0, {}, b"")
        return Answered(int(first.split()[1]), headers, content)

    def _until(self, end: bytes) -> bytes:
        while end not in self.rest:
            self._receive()
        found = self._exactly(self.rest.index(end))
        del self.rest[: len(end)]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self.rest) < size:
            self._receive()
        found = bytes(self.rest[:size])
        del self.rest[:size]
        return found

    def _receive(self) -> None:
        received = self.socket.recv(65_536)
        if not received:
            raise ConnectionResetError
        self.rest += received

    def until_closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65_536):
                pass
