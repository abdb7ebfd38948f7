"""A client of event streams for tests: HTTP/1.1 and server-sent events, down to the bytes.

`Stream` is for plain threads and reads only when it is asked to, so that a test can be a slow
reader; `follow` and `Sender` are for asyncio. All of them share `Incoming`.
"""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from chat_events import Block, Event, Parser

PORTION = 65_536


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until a condition is true, and a moment more for what would make it false again."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.02)
    assert condition(), "no longer"


class Incoming:
    """An answer as its bytes come in: the head, then events, or the body of an error.

    `ended` is true when the answer is complete, which it is not when the connection was cut.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.events: list[Event] = []
        self.retries: list[int] = []  # in milliseconds
        self.comments = 0
        self.content = b""
        self.ended = False
        self._raw = b""
        self._left = -1  # bytes that are missing of the chunk, or of the whole body
        self._parser = Parser()

    @property
    def chunked(self) -> bool:
        return self.headers.get("transfer-encoding") == "chunked"

    def feed(self, raw: bytes) -> None:
        self._raw += raw
        if not self.status and not self._head():
            return
        while not self.ended and self._portion():
            pass

    def _head(self) -> bool:
        head, found, rest = self._raw.partition(b"\r\n\r\n")
        if not found:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.status = int(first.split(" ")[1])
        self._raw = rest
        if not self.chunked:
            self._left = int(self.headers.get("content-length", -1))
            self.ended = self._left == 0
        return True

    def _portion(self) -> bool:
        """Take in what is there of the body; false when there is no more to take."""
        if self.chunked and self._left < 0 and not self._next_chunk():
            return False
        taken = self._raw if self._left < 0 else self._raw[: self._left]
        if not taken:
            return False
        self._raw = self._raw[len(taken) :]
        self._body(taken)
        if self._left < 0:  # neither chunks nor a length: until the connection closes
            return True
        self._left -= len(taken)
        if self._left == 0:
            if self.chunked:
                self._left = -1
            else:
                self.ended = True
        return True

    def _next_chunk(self) -> bool:
        # The line end that closes the chunk before comes along with the size of this one.
        line, found, rest = self._raw.removeprefix(b"\r\n").partition(b"\r\n")
        if not found:
            return False
        self._left, self._raw = int(line.partition(b";")[0], 16), rest
        self.ended = self._left == 0
        return not self.ended

    def _body(self, content: bytes) -> None:
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            self.content += content
            return
        for block in self._parser.feed(content):
            if block.data is not None:
                self.events.append(Event(block.id, block.type or "message", json.loads(block.data)))
            if block.retry is not None:
                self.retries.append(block.retry)
            self.comments += block == Block()


def request(
    method: str, path: str, token: str | None, headers: dict[str, str], content: bytes = b""
) -> bytes:
    """A request's bytes."""
    fields = {"Host": "127.0.0.1", **headers}
    if token:
        fields["Authorization"] = f"Bearer {token}"
    if content:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + content


def asking(
    url: str, token: str | None, after: int | None, last_event_id: str | int | None
) -> tuple[str, int, bytes]:
    """Where a stream is, and the request for it."""
    parts = urlsplit(url)
    assert parts.hostname
    query = parts.query
    if after is not None:
        query = "&".join(filter(None, (query, urlencode({"after": after}))))
    path = f"{parts.path}?{query}" if query else parts.path
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    return parts.hostname, parts.port or 80, request("GET", path, token, headers)


class Stream:
    """A stream for a plain thread: `with Stream(url, token, after=3) as stream`.

    `status` and `headers` are there from the beginning, `body` when it is an error. Nothing is
    read but by `next`, `until_end` and `ended`.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        after: int | None = None,
        last_event_id: str | int | None = None,
        receive_bytes: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.incoming = Incoming()
        self.cut = False  # the connection was closed before the answer was complete
        self._taken = 0
        host, port, self._request = asking(url, token, after, last_event_id)
        self._socket = socket.socket()
        if receive_bytes:  # a slow reader piles up little on this side
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._address, self._tls = (host, port), tls

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def _open(self) -> None:
        self._socket.settimeout(10)
        self._socket.connect(self._address)
        if self._tls is not None:
            self._socket = self._tls.wrap_socket(self._socket)
        self._socket.sendall(self._request)
        deadline = time.monotonic() + 10
        while not self.status and self._receive(deadline):
            pass
        assert self.status, "no answer to the request for a stream"
        while self.status != 200 and self._receive(deadline):
            pass

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    @property
    def status(self) -> int:
        return self.incoming.status

    @property
    def headers(self) -> dict[str, str]:
        """By their names in lower case."""
        return self.incoming.headers

    @property
    def body(self) -> Any:
        return json.loads(self.incoming.content)

    @property
    def events(self) -> list[Event]:
        """All that has come, whether `next` gave it or not."""
        return self.incoming.events

    @property
    def ended(self) -> bool:
        """Return whether the stream is at its end, after all that has come in until now."""
        while self._receive(time.monotonic()):
            pass
        return self.incoming.ended or self.cut

    def next(self, seconds: float = 5) -> Event:
        """The next event; TimeoutError when none comes, EOFError when the stream ends before."""
        deadline = time.monotonic() + seconds
        while self._taken == len(self.events):
            if not self._receive(deadline):
                if self.incoming.ended or self.cut:
                    raise EOFError("the stream ended")
                raise TimeoutError(f"no event within {seconds} s")
        self._taken += 1
        return self.events[self._taken - 1]

    def attached(self, seconds: float = 10) -> Self:
        """Wait until the stream hears of what happens: it says then when to come back."""
        deadline = time.monotonic() + seconds
        while not self.incoming.retries:
            assert self._receive(deadline), f"nothing came within {seconds} s"
        return self

    def until_end(self, seconds: float = 5) -> list[Event]:
        """What still comes that `next` did not give; TimeoutError when the stream does not end."""
        left: list[Event] = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                left.append(self.next(deadline - time.monotonic()))
            except EOFError:
                return left

    def _receive(self, deadline: float) -> bool:
        """Take in what there is, or what comes first; false when nothing does any more."""
        if self.incoming.ended or self.cut:
            return False
        left = deadline - time.monotonic()
        self._socket.settimeout(max(left, 0))
        try:
            raw = self._socket.recv(PORTION)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return False
        except ConnectionError:
            raw = b""
        self.cut = not raw
        self.incoming.feed(raw)
        return bool(raw)


class Refused(Exception):
    """The answer was an error, or no stream."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        super().__init__(f"{status} {content.decode(errors='replace')}")
        self.status, self.headers, self.content = status, headers, content


async def follow(
    url: str,
    token: str | None = None,
    *,
    after: int | None = None,
    last_event_id: str | int | None = None,
    silence: float = 20,
) -> AsyncIterator[Event]:
    """The events of one connection, until it ends, however it ends.

    OSError when there is none, or nothing comes for `silence` seconds; Refused for an error.
    """
    host, port, asked = asking(url, token, after, last_event_id)
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), silence)
    incoming = Incoming()
    try:
        writer.write(asked)
        while not incoming.ended:
            raw = await asyncio.wait_for(reader.read(PORTION), silence)
            if not raw:
                break
            incoming.feed(raw)
            events, incoming.events = incoming.events, []
            for event in events:
                yield event
        if not incoming.status:
            raise ConnectionResetError("the connection was closed before an answer")
        if incoming.status != 200 or incoming.content:
            raise Refused(incoming.status, incoming.headers, incoming.content)
    finally:
        writer.transport.abort()


class Sender:
    """Requests with a body over one connection that is kept, and made anew when it has gone."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(
        self, path: str, token: str, body: Any, seconds: float = 10, **headers: str
    ) -> tuple[int, Any]:
        """Status and body; OSError when there is no answer in time, which says nothing of whether
        the request was done."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = request("POST", path, token, named, json.dumps(body).encode())
        try:
            incoming = await asyncio.wait_for(self._exchange(asked), seconds)
        except (OSError, EOFError):  # of which a TimeoutError is one
            self.close()
            raise
        if incoming.headers.get("connection") == "close":
            self.close()
        return incoming.status, json.loads(incoming.content)

    async def _exchange(self, asked: bytes) -> Incoming:
        if self._pair is None:
            self._pair = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._pair
        incoming = Incoming()
        writer.write(asked)
        while not incoming.ended:
            raw = await reader.read(PORTION)
            if not raw:
                raise ConnectionResetError("the connection was closed before the answer was whole")
            incoming.feed(raw)
        return incoming

    def close(self) -> None:
        if self._pair is not None:
            self._pair[1].transport.abort()
            self._pair = None
