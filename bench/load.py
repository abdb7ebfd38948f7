"""What is measured of requests, each operation with its targets, and the load by wrk."""

import json
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

from bench.people import DEEP_CHAT, TEXT, UNREAD, People
from bench.services import DATABASE, BrokenError, Server, backends_cpu, connect

THREADS = 2  # wrk's; it needs little, and the service needs the rest
SCRIPT = Path(__file__).with_name("wrk.lua")
MARK = "bench:"
STEP_SECONDS, MAX_STEPS = 0.2, 100
MESSAGES = "/api/chats/{chat}/messages"
LIST15 = f"{MESSAGES}?per_page=15"


class Target(NamedTuple):
    """Whom a request is made as, and what `{chat}` and `{seq}` of its path are."""

    chat: int | str
    token: str
    seq: int = 0


@dataclass(frozen=True)
class Operation:
    """A request, sent to each of `targets` in turn, which is answered with `rows` or no list.

    With `parts` it is these in turn instead, on the same targets. A `{txn}` in a path is different
    for each request. `sends` is the share of its requests that write a message.
    """

    name: str
    title: str
    path: str
    targets: list[Target]
    rows: int = 0
    body: str = ""
    method: str = "GET"
    sends: float = 0
    parts: tuple["Operation", ...] = ()

    def url(self, target: Target, txn: str = "first") -> str:
        return self.path.format(chat=target.chat, seq=target.seq, txn=txn)

    def lines(self) -> Iterator[str]:
        """Every part for each target, one after the other in turn, for wrk.lua."""
        parts = self.parts or (self,)
        for turn in range(len(parts)):
            for place, target in enumerate(self.targets):
                part = parts[(place + turn) % len(parts)]
                yield f"{part.method} {part.url(target, '{txn}')} {target.token} {part.body}"

    def verify(self, server: Server) -> None:
        """Raise BrokenError unless a request of each part is answered correctly."""
        for part in self.parts or (self,):
            path, token = part.url(self.targets[0]), self.targets[0].token
            answer = ask(server.http(), part.method, path, token, part.body)
            # In the service, plain DRF and Synapse.
            lists = [answer[name] for name in ("data", "results", "chunk") if name in answer]
            if sum(map(len, lists)) != part.rows:
                raise BrokenError(f"{self.name} was answered with {str(answer)[:500]}")


def ask(http: HTTPConnection, method: str, path: str, token: str = "", body: str = "") -> Any:
    """The JSON that one request is answered with."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    http.request(method, path, body or None, {"Content-Type": "application/json"} | headers)
    response = http.getresponse()
    answer = response.read()
    if response.status not in {200, 201}:
        raise BrokenError(f"{method} {path} answered {response.status}: {answer[:500]!r}")
    return json.loads(answer)


def operations(people: People) -> dict[str, Operation]:
    """The service's operations, and the empty view's, by name."""
    guests = [Target(chat, token, people.messages - UNREAD) for chat, token in people.guests]
    chats, agent = len(people.chats), [Target(0, people.agent)]
    all_chats = f"List chats, an agent in all {chats:,}"
    list100 = f"{MESSAGES}?per_page=100"
    # With a limit, so that it stays the same page while the sends make the log longer.
    log = f"/api/chats/{{chat}}/events?after={{seq}}&limit={UNREAD}"
    body = json.dumps({"text": TEXT})
    send = Operation("send", "Send a message", MESSAGES, guests, 0, body, "POST", sends=1)
    list15 = Operation("list15", "List the newest 15 messages", LIST15, guests, 15)
    title, parts = "80 lists of 15 to 20 sends", (list15, list15, list15, list15, send)
    known = [
        send,
        list15,
        Operation("list100", "List the newest 100 messages", list100, guests, 100),
        Operation("chats", all_chats, "/api/chats", agent, min(15, chats)),
        Operation("chat-user", "Current chat user", "/api/chat-user", guests),
        Operation("events", f"Catch up with {UNREAD} events", log, guests, UNREAD),
        Operation("mix", title, "", guests, sends=0.2, parts=parts),
        Operation("empty", "An empty JSON view", "/api/empty", guests),
    ]
    return {each.name: each for each in known}


def deep_operations(people: People) -> dict[str, Operation]:
    """Pages of one very long chat. The others are compared with the first one."""
    pick = random.Random(1)  # the same places in every run
    anywhere = [pick.randint(100, people.deep_messages) for _ in range(1000)]
    before = f"{LIST15}&before_seq={{seq}}"
    known = [
        ("the newest page", LIST15, [0]),
        ("`before_seq` at the end", before, [people.deep_messages + 1]),
        ("`before_seq` near the beginning", before, [100]),
        ("`before_seq` at 1,000 places", before, anywhere),
    ]
    found = {}
    for title, path, seqs in known:
        name = f"deep{len(found) + 1}"
        targets = [Target(DEEP_CHAT, people.deep_guest, seq) for seq in seqs]
        found[name] = Operation(name, title, path, targets, 15)
    return found


@dataclass(frozen=True)
class Sample:
    """One round. Times in milliseconds; CPU in milliseconds a request, nan where unknown.

    `failed` counts answers with an error status, and connections that failed or waited too long.
    """

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int = 0
    web_cpu: float = nan
    database_cpu: float = nan


def wrk(operation: Operation, server: Server, seconds: int, connections: int) -> Sample:
    """Send `operation` over `connections`, each sending one request after the other."""
    threads = min(THREADS, connections)
    lines = Path(server.folder) / f"{operation.name}.requests"
    lines.write_text("\n".join(operation.lines()) + "\n")
    command = f"wrk -t{threads} -c{connections} -d{seconds}s --timeout 10s -s".split()
    command += [str(SCRIPT), server.url, "--", str(lines), str(threads), str(time.time_ns())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    said = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not said:
        raise BrokenError(f"wrk failed for {operation.name}: {done.stderr or done.stdout}")
    # wrk takes 3xx for success; the service never redirects, and one answer was verified.
    found = json.loads(said[0].removeprefix(MARK))
    return Sample(rate=found["requests"] / found.pop("seconds"), **found)


def load(
    server: Server, operation: Operation, seconds: int, connections: int, database: str = DATABASE
) -> Sample:
    """One round, with the processor time of a server and of its database."""
    with connect() as maintenance:
        web, backends = server.cpu(), backends_cpu(maintenance, database)
        sample = wrk(operation, server, seconds, connections)
        web_after, backends_after = server.cpu(), backends_cpu(maintenance, database)
    # What the server still does would burden the next round.
    for _ in range(MAX_STEPS):
        before = server.cpu()
        time.sleep(STEP_SECONDS)
        if server.cpu() - before < STEP_SECONDS / 10:
            break
    each = 1000 / max(sample.requests, 1)
    cpu = {"web_cpu": (web_after - web) * each, "database_cpu": (backends_after - backends) * each}
    return replace(sample, **cpu)
