"""Event streams, beside Django Channels: `make bench-live`."""

import resource
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from math import nan
from pathlib import Path

import numpy as np

from bench import people, services
from bench.report import Goal, Report, judged, number, table
from bench.services import MissingError, Server, database, gunicorn, helper, say
from bench.streams import Array, Deliveries, Order, Receivers, Sent, receivers, send_all

DRAIN_SECONDS = 40  # in which what was sent must come in
NONE = Goal(1)  # of what is counted
STREAMS, RATE = 1000, 20  # of the fan-out, and messages/s
UP, DOWN, STEPS = 1.5, 2, 12  # of those rates
SLOW = 1000  # ms at the 99th percentile: no longer live
IDLE, WARM = 10_000, 100  # idle streams, and those after which everything is imported
CHATS, CHATS_RATE = 2000, 200
STORM, STORM_RATE = 5000, 50
STORM_BEFORE, STORM_SPREAD = 2, 5  # seconds of sending before it; in which the listeners come back
LOOK_SECONDS = 0.25
SETTLE_SECONDS = 12  # an idle connection hands its counts in after ten
OURS = "Chat API"
LAYERS = {"pubsub": "Channels, pub/sub layer", "lists": "Channels, list layer"}
PROJECT = Path(__file__).with_name("channels_project")
UVICORN = (
    "-m uvicorn app:application --loop uvloop --http httptools --lifespan off --no-access-log"
    " --log-level warning --backlog 2048"
)
SAME = ("Django", "redis", "uvicorn", "uvloop", "httptools")  # versions as ours
SPARE_FILES = 100  # that a process needs besides its streams


@dataclass
class Side:
    """Ours or another's: what serves the streams, and what takes the sends."""

    name: str
    streams: Server
    web: Server
    guests: list[tuple[int, str]]
    heads: dict[int, int] = field(default_factory=dict)  # by chat: the seq of its newest event
    ours: bool = False

    def wanted(self, chats: int, each: int) -> list[tuple[int, str, int]]:
        """`each` streams for each of the first `chats`, from now on."""
        guests = self.guests[:chats] * each
        return [(chat, token, self.heads.get(chat, 0)) for chat, token in guests]


@dataclass
class Round:
    """Sends and deliveries put together. Times, in milliseconds, begin at the answer to a send."""

    offered: float  # sends/s
    sent: float  # sends/s that were answered
    per_second: float  # deliveries while it was being sent
    p50: float  # nan without deliveries
    p99: float
    wrong: dict[str, int]  # failed sends, and events that were lost or not in order
    cut: dict[str, int]  # connections that were cut off or refused

    def followed(self, streams: int) -> bool:
        """What was offered came through, and in time."""
        return self.p99 < SLOW and self.per_second >= 0.9 * self.offered * streams


class Figures:
    """A table with a row for each measure and a column for each side. Only our side has goals."""

    def __init__(self, report: Report) -> None:
        self.report, self.rows = report, dict[str, dict[str, str]]()
        self.most = dict[str, float]()  # deliveries/s, by side

    def add(
        self, side: Side, what: str, value: float, digits: int = 0, goal: Goal | None = None
    ) -> None:
        row = self.rows.setdefault(what, {"Goal": str(goal or "") if side.ours else ""})
        row[side.name] = judged(value, digits, goal if side.ours else None)
        say(f"    {side.name}: {what}: {row[side.name]}")

    def add_round(self, name: str, side: Side, played: Round, wrong: dict[str, int]) -> None:
        """`wrong` makes the run fail, if it is ours."""
        say(f"    {side.name}: {played.per_second:,.0f}/s, p99 {number(played.p99, 1)} ms")
        if wrong and side.ours:
            self.report.wrong.append(f"{name}: {wrong}.")

    def table(self) -> str:
        columns = dict.fromkeys(name for row in self.rows.values() for name in row)
        rows = [[what, *(row.get(name, "") for name in columns)] for what, row in self.rows.items()]
        return table(["", *columns], rows)


def play(side: Side, listeners: Receivers, senders: Executor, order: Order) -> Round:
    """One round with the streams that are open."""
    listeners.take(side.heads)  # what came in before
    sent = senders.submit(send_all, order).result()
    got = listeners.take(sent.heads(side.heads), DRAIN_SECONDS)
    side.streams.check()
    side.web.check()
    return put_together(listeners.chats, order, sent, got)


def sent_at(chats: Array, sent: Sent, got: Deliveries) -> Array:
    """Of each delivery, when its message was answered; 0 if that is not known."""
    if not len(sent.seqs):
        return np.zeros(len(got.seqs), np.int64)
    keys, wanted = sent.chats << 32 | sent.seqs, chats[got.streams] << 32 | got.seqs
    order = np.argsort(keys)
    places = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
    return np.where(keys[places] == wanted, sent.answered[places], 0)


def put_together(chats: Array, order: Order, sent: Sent, got: Deliveries) -> Round:
    answered = sent_at(chats, sent, got)
    known = answered > 0
    delays = np.maximum(got.times[known] - answered[known], 0) / 1e6
    p50, p99 = np.percentile(delays, [50, 99]).tolist() if len(delays) else (nan, nan)
    within = np.count_nonzero(got.times <= sent.start + order.seconds * 1e9) / order.seconds
    wrong = {**sent.failed, "lost": got.missing, "doubled or out of order": got.doubled}
    wrong = {what: count for what, count in wrong.items() if count}
    rate = len(sent.seqs) / order.seconds
    return Round(order.rate, rate, within, p50, p99, wrong, dict(got.counts))


def fanout(side: Side, figures: Figures, chosen: Namespace) -> None:
    """Many streams of one chat, at one rate, and at rising rates until no more comes through."""
    streams, step, rate = round(STREAMS * chosen.scale), chosen.seconds / 5, float(RATE)
    with receivers() as listeners, helper() as senders:
        listeners.open(side.streams.port, side.wanted(1, streams))

        def played(rate: float, seconds: float) -> Round:
            order = Order(side.web.port, side.guests[:1], rate, seconds)
            return play(side, listeners, senders, order)

        played(rate, 1)  # warms up
        # What can't follow would build up a backlog of a minute.
        first = played(rate, chosen.seconds if side.ours else step)
        figures.add_round("fan-out", side, first, {**first.wrong, **first.cut})
        rounds, rising = [first], first.followed(streams)
        for _ in range(STEPS):
            rate = rate * UP if rising else rate / DOWN
            rounds.append(played(rate, step))
            # A listener that can't follow is cut off and comes back: then nothing is lost either.
            figures.add_round("ceiling", side, rounds[-1], rounds[-1].wrong)
            if rounds[-1].followed(streams) != rising:
                break
    what = f"{streams:,} streams in one chat, {RATE} messages/s"
    # The last messages of a round come in just after its end.
    least = Goal(streams * RATE * 0.99, least=True)
    figures.add(side, f"{what}: deliveries/s", first.per_second, 0, least)
    figures.add(side, f"{what}: p50 ms", first.p50, 1)
    figures.add(side, f"{what}: p99 ms", first.p99, 1, Goal(250))
    for fault in ("lost", "doubled or out of order"):
        figures.add(side, f"{what}: {fault}", first.wrong.get(fault, 0), 0, NONE)
    most = max(rounds, key=lambda each: each.per_second)
    figures.most[side.name] = most.per_second
    figures.add(side, "most deliveries/s, at rising rates", most.per_second)


def idle(side: Side, figures: Figures, chosen: Namespace) -> None:
    """Many streams in one process, and nothing happens."""
    server, streams, seconds = side.streams, round(IDLE * chosen.scale), 4 * chosen.seconds
    wanted = side.wanted(len(side.guests), -(-streams // len(side.guests)))[:streams]
    with receivers() as listeners:
        listeners.open(server.port, side.wanted(WARM, 1))
        before = server.memory()
        listeners.open(server.port, wanted)
        opened = server.memory()
        time.sleep(2)
        listeners.take()
        used = server.cpu()
        time.sleep(seconds)
        used = server.cpu() - used
        each = (max(server.memory(), opened) - before) / streams / 1024
        got = listeners.take()
        server.check()
    what = f"{streams:,} idle streams"
    figures.add(side, f"{what}: resident KiB each", each, 1, Goal(20))
    figures.add(side, f"{what}: processor, % of one", 100 * used / seconds, 1, Goal(5))
    if got.counts:
        figures.report.wrong.append(f"{what}: {dict(got.counts)}.")


def chats(side: Side, figures: Figures, chosen: Namespace) -> None:
    """Messages spread over many chats with two streams each.

    Ours are also sent by the application's own action, which takes less of the processors.
    """
    number = round(CHATS * chosen.scale)
    guests = side.guests[:number]
    seconds = chosen.seconds if side.ours else chosen.seconds / 3
    ways = {"over HTTP": side.web.port, **({"by the action": None} if side.ours else {})}
    with receivers() as listeners:
        listeners.open(side.streams.port, side.wanted(number, 2))
        for way, port in ways.items():
            with helper() as senders:
                play(side, listeners, senders, Order(port, guests[::7], CHATS_RATE / 4, 1))
                order = Order(port, guests, CHATS_RATE, seconds)
                played = play(side, listeners, senders, order)
            what = f"{number:,} chats of 2 streams, {CHATS_RATE} messages/s {way}"
            figures.add_round(what, side, played, {**played.wrong, **played.cut})
            least = Goal(CHATS_RATE * 0.98, least=True)
            figures.add(side, f"{what}: messages/s", played.sent, 1, least)
            figures.add(side, f"{what}: p99 ms", played.p99, 1, Goal(100))


def storm(side: Side, figures: Figures, chosen: Namespace) -> None:
    """The stream process is killed: all its listeners are cut off at once and come back.

    Sends go on meanwhile, over HTTP to the web process, which stays.
    """
    number = round(STORM * chosen.scale) // 2
    order = Order(side.web.port, side.guests[:number], STORM_RATE, STORM_BEFORE + chosen.seconds)
    with receivers() as listeners, helper() as senders:
        listeners.open(side.streams.port, side.wanted(number, 2), STORM_SPREAD)
        listeners.take(side.heads)
        sending = senders.submit(send_all, order)
        time.sleep(STORM_BEFORE)
        killed = time.monotonic_ns()
        side.streams.kill()
        side.streams.start()
        sent = sending.result()
        got = listeners.take(sent.heads(side.heads), DRAIN_SECONDS)
        side.streams.check()
    # By stream: when it was answered and had all that had been sent by then.
    caught, answered = got.opened.copy(), sent_at(listeners.chats, sent, got)
    late = (answered > 0) & (answered < got.opened[got.streams])
    np.maximum.at(caught, got.streams[late], got.times[late])
    played = put_together(listeners.chats, order, sent, got)
    figures.add_round("storm", side, played, played.wrong)
    what = f"{2 * number:,} streams killed, {STORM_RATE} messages/s meanwhile"
    until = (caught.max() - killed) / 1e9
    figures.add(side, f"{what}: s until all had caught up", until, 1, Goal(15))
    if (back := np.count_nonzero(got.opened > killed)) < 2 * number:
        figures.report.wrong.append(f"{what}: {back} came back.")


def quiet(side: Side, figures: Figures, chosen: Namespace) -> None:
    """What one stream asks of the database while nothing happens.

    Statements that follow each other quickly are seen as one, but none is seen as none. We look
    from another database, so that looking is not counted.
    """
    seconds = 4 * chosen.seconds
    with services.connect() as maintenance, receivers() as listeners:
        listeners.open(side.streams.port, side.wanted(1, 1))
        time.sleep(SETTLE_SECONDS)
        before = set(services.statements(maintenance, services.DATABASE))
        seen, end = set(before), time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
            seen |= set(services.statements(maintenance, services.DATABASE))
        got = listeners.take()
    what = f"one quiet stream: statements in {seconds} s"
    figures.add(side, what, len(seen - before), 0, NONE)
    figures.report.parts += [f"{what}: `{query}`" for _, _, query in seen - before]
    if got.counts:
        figures.report.wrong.append(f"{what}: the stream was lost: {dict(got.counts)}.")


SCENARIOS = {each.__name__: each for each in (quiet, idle, fanout, chats, storm)}


def run(chosen: Namespace, report: Report) -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < IDLE * chosen.scale + SPARE_FILES:
        raise MissingError(f"A process may open {files} files: raise `ulimit -n`, or lower --scale")
    # What is measured of Channels too.
    shared = [name for name in ("fanout", "chats") if name in chosen.only]
    layers = chosen.beside if shared else []
    figures = Figures(report)
    with database():
        number = round(max(CHATS, STORM // 2) * chosen.scale) + WARM
        say(f"Making {number:,} chats ...")
        found = people.make(number, people.UNREAD)
        with gunicorn(WEB_CONCURRENCY=str(chosen.web)) as web:
            heads = dict.fromkeys(found.chats, found.messages)
            for name in chosen.only:
                say(f"  {name} ...")
                with gunicorn(WEB_CONCURRENCY="1") as streams:
                    ours = Side(OURS, streams, web, found.guests, heads, ours=True)
                    SCENARIOS[name](ours, figures, chosen)
        for layer in layers:
            say(f"Measuring {LAYERS[layer]} ...")
            with channels(layer) as side:
                for name in shared:
                    SCENARIOS[name](side, figures, chosen)
    if (best := figures.most.pop(OURS, 0)) and (theirs := max(figures.most.values(), default=0)):
        figures.add(ours, "times those of Channels", best / theirs, 1, Goal(3, least=True))
    report.parts.append(figures.table())


@contextmanager
def channels(layer: str) -> Iterator[Side]:
    """The same two processes as ours: one for the streams, and one that takes the sends."""
    same = [f"{name}=={version(name)}" for name in SAME]
    python = services.install("channels", PROJECT / "requirements.txt", *same)
    servers = []
    with ExitStack() as stack:
        for _ in ("streams", "web"):
            port = services.free_port()
            command = [python, *UVICORN.split(), "--port", str(port), "--app-dir", str(PROJECT)]
            server = stack.enter_context(Server(command, port=port, LAYER=layer))
            # Thousands of consumers take long to end, and are not needed any more.
            stack.callback(server.kill)
            servers.append(server)
        yield Side(LAYERS[layer], *servers, [(chat, "") for chat in range(1, 10_001)])
