"""What is measured, each operation a request with its targets, and what it must answer."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bench.data import DEEP_CHAT, TEXT, UNREAD, Data
from bench.stop import BrokenError

MESSAGES = "/api/chats/{chat}/messages"


@dataclass(frozen=True)
class Target:
    """Whom a request is made as, and what it names: `{chat}` and `{seq}` of a path.

    A `{txn}` of a path is another one each time.
    """

    chat: int | str
    token: str
    seq: int = 0


@dataclass(frozen=True)
class Operation:
    """A request, sent to each of `targets` in turn. `right` says whether an answer is the one.

    With `parts` it is these in turn instead, on the same targets.
    """

    name: str
    title: str
    path: str
    targets: list[Target]
    right: Callable[[Any], bool]
    body: str = ""
    method: str = "GET"
    limited: bool = False  # whether pgbench runs its statements too
    parts: tuple["Operation", ...] = ()

    def url(self, target: Target) -> str:
        return self.path.format(chat=target.chat, seq=target.seq, txn="first")

    @property
    def sends(self) -> float:
        """The share of its requests that write a message."""
        if self.parts:
            return sum(part.sends for part in self.parts) / len(self.parts)
        return float(self.name == "send")


def rows(count: int) -> Callable[[Any], bool]:
    return lambda answer: len(answer["data"]) == count


def operations(data: Data) -> list[Operation]:
    """The service's operations, on the chats of `data`."""
    near_the_end = max(data.messages - UNREAD, 0)
    guests = [Target(chat, token, near_the_end) for chat, token in data.guests]
    page = min(15, len(data.chats))
    send = Operation(
        "send", "Send a message", MESSAGES, guests,
        lambda answer: answer["text"] == TEXT,
        body=json.dumps({"text": TEXT}), method="POST", limited=True,
    )  # fmt: skip
    list15 = Operation(
        "list15", "List the newest 15 messages", f"{MESSAGES}?per_page=15", guests,
        rows(min(15, data.messages)), limited=True,
    )  # fmt: skip
    return [
        send,
        list15,
        Operation(
            "list100", "List the newest 100 messages", f"{MESSAGES}?per_page=100", guests,
            rows(min(100, data.messages)),
        ),
        Operation(
            "chats", f"List chats, an agent in all {len(data.chats):,}", "/api/chats",
            [Target(0, data.agent)], rows(page),
        ),
        Operation(
            "chats-watched", f"List chats, a member in none of the {len(data.chats):,}",
            "/api/chats", [Target(0, data.watcher)], rows(page),
        ),
        Operation(
            "chat-user", "Current chat user", "/api/chat-user", guests,
            lambda answer: answer["first_name"] == "Gina",
        ),
        # With a limit, so that it stays the same page while the sends make the log longer.
        Operation(
            "events", f"Catch up with {UNREAD} events",
            f"/api/chats/{{chat}}/events?after={{seq}}&limit={UNREAD}", guests,
            rows(min(UNREAD, data.messages)),
        ),
        Operation(
            "mix", "80 lists of 15 to 20 sends", "", guests, lambda answer: True,
            parts=(list15, list15, list15, list15, send),
        ),
    ]  # fmt: skip


def plain_operations(data: Data) -> list[Operation]:
    """Those that the plain way has too; its lists have DRF's own shape."""
    found = [each for each in operations(data) if each.name in {"send", "list15"}]
    size = min(15, data.messages)
    return [
        replace(
            each, right=each.right if each.body else lambda answer: len(answer["results"]) == size
        )
        for each in found
    ]


def floor_operation(data: Data) -> Operation:
    """A view that answers with nothing, called as the others are."""
    targets = [Target(chat, token) for chat, token in data.guests]
    return Operation(
        "empty", "An empty JSON view", "/api/empty", targets, lambda answer: answer == {}
    )


def deep_operations(data: Data) -> list[Operation]:
    """Pages of one very long chat. The first is what the others are compared with."""
    messages, token = data.deep_messages, data.deep_guest
    size = min(15, messages)
    window = f"{MESSAGES}?per_page=15&before_seq={{seq}}"

    def at(*seqs: int) -> list[Target]:
        return [Target(DEEP_CHAT, token, seq) for seq in seqs]

    return [
        Operation("deep-newest", "the newest page", f"{MESSAGES}?per_page=15", at(0), rows(size)),
        Operation("deep-first", "`before_seq` at the end", window, at(messages + 1), rows(size)),
        Operation("deep-last", "`before_seq` near the beginning", window, at(100), rows(size)),
        Operation(
            "deep-any", "`before_seq` at 1,000 places", window, at(*data.deep_places()), rows(size)
        ),
    ]


def verify(operation: Operation, base: str) -> None:
    """Raise BrokenError unless one request is answered as it should be."""
    if operation.parts:
        for part in {each.name: each for each in operation.parts}.values():
            verify(replace(part, targets=operation.targets), base)
        return
    target = operation.targets[0]
    request = urllib.request.Request(
        base + operation.url(target),
        data=operation.body.encode() or None,
        method=operation.method,
        headers={"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, answer = response.status, json.load(response)
    except urllib.error.HTTPError as error:
        raise BrokenError(
            f"{operation.name} answered {error.code}: {error.read()[:500]!r}"
        ) from None
    if status not in {200, 201} or not operation.right(answer):
        raise BrokenError(f"{operation.name} answered {status} with {str(answer)[:500]}")
