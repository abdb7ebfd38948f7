"""Follow the events of one chat or of all chats, with the standard library alone.

    CHAT_TOKEN=… python chat_events.py URL [LAST_ID]

prints each event once. docs/live.md has the rules that `follow` implements.
"""

import contextlib
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

SILENCE = 45  # seconds; the server sends something every 15
ANSWER = 10  # seconds until the response has begun
LONGEST_WAIT = 60


class StreamOver(Exception):  # noqa: N818 (it is how a stream ends)
    """The token has ended or does not permit this; reconnecting would not help."""


class Event(NamedTuple):
    """An event of a stream. Ephemeral events have no id."""

    id: str | None
    type: str
    data: Any


class Block(NamedTuple):
    """The lines of a stream up to an empty one. A field that was not sent is None.

    A block without fields is a comment, the server's heartbeat. One with an id but no data is a
    position to resume from.
    """

    id: str | None = None
    type: str | None = None
    data: str | None = None
    retry: int | None = None  # milliseconds


class Parser:
    """Parse a stream (text/event-stream) as its bytes arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, content: bytes) -> Iterator[Block]:
        """Yield the blocks that `content` completes."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").decode().partition(":")
            if line.strip(b"\r"):
                self._add(field, value.removeprefix(" "))
            else:
                yield self._block()

    def _add(self, field: str, value: str) -> None:
        if field == "data" and field in self._fields:
            value = f"{self._fields[field]}\n{value}"
        self._fields[field] = value

    def _block(self) -> Block:
        found, self._fields = self._fields, {}
        retry = found.get("retry", "")
        return Block(
            found.get("id"),
            found.get("event"),
            found.get("data"),
            int(retry) if retry.isdigit() else None,
        )


def follow(url: str, token: str, last_id: str | None = None) -> Iterator[Event]:
    """Yield the events after `last_id`, reconnecting when needed, until StreamOver is raised."""
    retry, failures = 2.0, 0
    while True:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        wait = None
        try:
            with get(url, headers) as response:
                if response.status == 429:
                    wait = int(response.headers.get("Retry-After", LONGEST_WAIT)) + random.random()
                elif 400 <= response.status < 500:
                    raise StreamOver(f"{response.status} {json.load(response)['message']}")
                for block in blocks(response) if response.status == 200 else ():
                    failures = 0
                    if block.retry is not None:
                        retry = block.retry / 1000
                    if block.data is not None:
                        data = json.loads(block.data)
                        if block.type == "bye":
                            raise StreamOver(data["message"])
                        yield Event(block.id, block.type or "message", data)
                    if block.id is not None:
                        last_id = block.id
        except (OSError, http.client.HTTPException):
            pass  # no connection, or it broke
        if wait is None:
            wait = min(retry * 2**failures, LONGEST_WAIT) * random.uniform(0.5, 1)
            failures = min(failures + 1, 6)
        time.sleep(wait)


@contextlib.contextmanager
def get(url: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    """Send a GET. The response must begin within ANSWER and never be silent for SILENCE."""
    parts = urllib.parse.urlsplit(url)
    https = parts.scheme == "https"
    kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=ANSWER)
    with contextlib.closing(connection):
        connection.connect()
        sock = connection.sock  # the connection may drop its reference when the response begins
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        with connection.getresponse() as response:
            sock.settimeout(SILENCE)
            yield response


def blocks(response: http.client.HTTPResponse) -> Iterator[Block]:
    parser = Parser()
    while content := response.read1(65_536):
        yield from parser.feed(content)


def main() -> None:
    known: dict[str, bool] = {}  # recent ids, oldest first: the stream of all chats may repeat some
    try:
        for event in follow(sys.argv[1], os.environ["CHAT_TOKEN"], *sys.argv[2:3]):
            if event.id is not None:
                if event.id in known:
                    continue
                known[event.id] = True
                if len(known) > 10_000:
                    del known[next(iter(known))]
            print(event.id, event.type, json.dumps(event.data["data"]), flush=True)
    except StreamOver as over:
        sys.exit(f"The stream is over: {over}")


if __name__ == "__main__":
    main()
