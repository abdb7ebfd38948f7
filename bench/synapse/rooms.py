"""Rooms as our chats are: a guest and an agent in each, and some messages."""

import json
import secrets
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.data import TEXT
from bench.operations import Operation, Target
from bench.stop import BrokenError

API = "/_matrix/client/v3"
SEND = f"{API}/rooms/{{chat}}/send/m.room.message/{{txn}}"
HISTORY = f"{API}/rooms/{{chat}}/messages?dir=b&limit=15"
BODY = {"msgtype": "m.text", "body": TEXT}
ROOMS = 50
MESSAGES = 10  # in each at first; with what makes a room, more than a page of events


def operations(base: str) -> list[Operation]:
    """Make the rooms, and what is asked of them; the names are those of our like operations."""
    guests = rooms(base)
    return [
        Operation(
            "send", "Send a message", SEND, guests, lambda answer: "event_id" in answer,
            body=json.dumps(BODY), method="PUT",
        ),
        Operation(
            "list15", "A room's newest 15 events", HISTORY, guests,
            lambda answer: len(answer["chunk"]) == 15,
        ),
    ]  # fmt: skip


def rooms(base: str) -> list[Target]:
    """Rooms with their guests' tokens."""
    agent = register(base, "agent")

    def make(number: int) -> Target:
        guest = register(base, f"guest{number}")
        room = call(base, "POST", "/createRoom", guest, {"preset": "public_chat"})["room_id"]
        call(base, "POST", f"/rooms/{room}/join", agent, {})
        for nth in range(MESSAGES):
            path = f"/rooms/{room}/send/m.room.message/first{nth}"
            call(base, "PUT", path, guest, BODY)
        return Target(room, guest)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(make, range(ROOMS)))


def register(base: str, name: str) -> str:
    """A new account's token."""
    answer = call(base, "POST", "/register", "", {
        "username": name,
        "password": secrets.token_urlsafe(16),
        "auth": {"type": "m.login.dummy"},
    })  # fmt: skip
    return str(answer["access_token"])


def call(base: str, method: str, path: str, token: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode()
    request = urllib.request.Request(base + API + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise BrokenError(f"Synapse answered {error.code}: {error.read()[:500]!r}") from None
    except OSError as error:
        raise BrokenError(f"Synapse does not answer: {error}") from None
