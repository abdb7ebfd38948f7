"""Requests, beside plain DRF, an empty view, Synapse and pgbench: `make bench`."""

import argparse
import statistics
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import httpx
import psycopg

from bench import people, pgbench, synapse
from bench.load import Operation, Sample, deep_operations, load, operations
from bench.process import BrokenError, MissingError, say
from bench.report import Goal, Report, judged, number, table
from bench.services import Server, database, gunicorn

WARM_UP = 1  # seconds
COMPARED = ("send", "list15")  # with plain DRF, Synapse and pgbench
TITLES = {
    "service": "Chat API",
    "plain": "Plain DRF",
    "floor": "Django",
    "synapse": "Synapse",
    "pgbench": "pgbench",
    "deep": "One long chat",
}
# A figure of one of our operations by that of another side or operation.
GOALS = [
    ("send ÷ plain DRF, requests/s", "rate", "send", "plain", "send", Goal(3, least=True)),
    ("list15 ÷ plain DRF, requests/s", "rate", "list15", "plain", "list15", Goal(3, least=True)),
    ("send ÷ Synapse, requests/s", "rate", "send", "synapse", "send", Goal(25, least=True)),
    ("list15 ÷ Synapse, requests/s", "rate", "list15", "synapse", "list15", Goal(12, least=True)),
    ("send ÷ pgbench, requests/s", "rate", "send", "pgbench", "send", Goal(0.2, least=True)),
    (
        "list15 ÷ empty Django view, requests/s",
        "rate", "list15", "floor", "empty", Goal(0.33, least=True),
    ),
    ("list100 ÷ list15, p50", "p50", "list100", "service", "list15", Goal(2.5)),
]  # fmt: skip
TAIL, TAIL_CONNECTIONS = Goal(4), 128
Measure = Callable[[int, int], Sample]  # of seconds and connections


@dataclass
class Case:
    """An operation of one side, and its rounds by the number of connections.

    `sends` is the share of its requests that write a message into our database.
    """

    side: str
    operation: str
    title: str
    measure: Measure
    sends: float = 0
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def median(self, name: str, connections: int) -> float | None:
        """Of a field of the samples; None when it is not known of all of them."""
        values = [getattr(sample, name) for sample in self.samples.get(connections, [])]
        return statistics.median(values) if values and None not in values else None

    def total(self, name: str, *counts: int) -> int:
        """Of a field of the samples, at these numbers of connections or at all."""
        of = counts or self.samples
        return sum(getattr(each, name) for count in of for each in self.samples[count])

    def __str__(self) -> str:
        return f"{TITLES[self.side]}, {self.operation}"


def measure(
    cases: list[Case], counts: list[int], rounds: int, seconds: int, report: Report
) -> None:
    """Every case in turn, at every number of connections, so that a noisy minute affects all."""
    for case in cases:
        say(f"  warming up: {case}")
        case.measure(WARM_UP, counts[0])
    before = people.count_messages()
    for nth in range(1, rounds + 1):
        for connections in counts:
            for case in cases:
                people.move_last_reads()
                sample = case.measure(seconds, connections)
                case.samples.setdefault(connections, []).append(sample)
                say(f"  round {nth}, {connections} connections: {case} {sample.rate:,.0f}/s")
    written, answered = people.count_messages() - before, 0.0
    for case in cases:
        failed = case.total("failed")
        answered += case.sends * case.total("requests") - failed
        if 0 < case.sends < 1:
            # Which requests were the sends is not known of those at a round's end.
            answered -= sum(counts) * rounds
        # Synapse is not ours to mend.
        told = report.notes if case.side == "synapse" else report.wrong
        if failed or not case.total("requests"):
            told.append(f"{failed} of {case.total('requests')} requests of {case} failed.")
    if written < answered:
        report.wrong.append(f"{answered:,.0f} sends were answered and {written:,} are written.")


def cases_table(cases: list[Case], counts: list[int]) -> str:
    head = "Operation, Connections, Requests/s, p50 ms, p99 ms, Failed, Web CPU ms"
    rows = [
        [
            f"{TITLES[case.side]}: {case.title}",
            str(count),
            number(case.median("rate", count)),
            number(case.median("p50", count), 1),
            number(case.median("p99", count), 1),
            str(case.total("failed", count)),
            number(case.median("web_cpu", count), 2),
            number(case.median("database_cpu", count), 2),
        ]
        for case in cases
        for count in counts
    ]
    return table([*head.split(", "), "PostgreSQL CPU ms"], rows)


def goals_table(cases: list[Case], counts: list[int]) -> str:
    """A row for each goal that the run has figures for."""
    known, rows = {(case.side, case.operation): case for case in cases}, []

    def cell(goal: Goal, first: float | None, second: float | None) -> str:
        return judged(first / second, 2, goal) if first and second else ""

    for title, name, operation, side, other, goal in GOALS:
        ours, theirs = known.get(("service", operation)), known.get((side, other))
        if ours and theirs:
            cells = [cell(goal, ours.median(name, at), theirs.median(name, at)) for at in counts]
            rows.append([title, str(goal), *cells])
    for case in cases:
        if case.side == "service" and TAIL_CONNECTIONS in counts:
            tail = cell(TAIL, *(case.median(name, TAIL_CONNECTIONS) for name in ("p99", "p50")))
            cells = [tail if at == TAIL_CONNECTIONS else "" for at in counts]
            rows.append([f"{case.operation}, p99 ÷ p50", str(TAIL), *cells])
    return table(["Goal", "", *(f"at {connections}" for connections in counts)], rows)


def deep_table(cases: list[Case], plans: list[tuple[float, int]]) -> str:
    head, rows = "One long chat, p50 ms, p99 ms, Ratio, Failed, In PostgreSQL ms, Blocks", []
    for case, (milliseconds, blocks) in zip(cases, plans, strict=True):
        p50, first = (each.median("p50", 1) or 0 for each in (case, cases[0]))
        ratio, p99 = p50 / first if first else None, case.median("p99", 1)
        cells = [number(p50, 2), number(p99, 2), number(ratio, 2), number(case.total("failed"))]
        rows.append([case.title, *cells, number(milliseconds, 3), number(blocks)])
    return table(head.split(", "), rows)


def run(chosen: argparse.Namespace, report: Report) -> None:
    with ExitStack() as stack:
        stack.enter_context(database(keep=chosen.keep))
        chats, deep = round(1000 * chosen.scale), round(1_000_000 * chosen.scale)
        say(f"Making {chats:,} chats of 500 messages ...")
        found = people.make(chats, 500, deep if "deep" in chosen.only else 0)
        server = stack.enter_context(gunicorn())
        if chosen.only != ["deep"]:
            known = operations(found)
            cases = cases_of("service", server, known, chosen.only)
            if {"plain", "floor"} & set(chosen.beside):
                module = "bench.plain_settings"
                other = stack.enter_context(gunicorn(DJANGO_SETTINGS_MODULE=module))
            if "plain" in chosen.beside:
                cases += cases_of("plain", other, known, chosen.only, COMPARED)
            if "floor" in chosen.beside:
                cases += cases_of("floor", other, known, ["empty"])
            if "synapse" in chosen.beside:
                say("Starting Synapse ...")
                cases += synapse_cases(stack, chosen.only, report)
            # At last, when the number of free connections is known.
            for each in (known[name] for name in COMPARED if name in chosen.only):
                people.move_last_reads()
                script = pgbench.script(each, found)
                title, run = f"{each.title}: its statements", partial(pgbench.run, script)
                cases.append(Case("pgbench", each.name, title, run, each.sends))
            if (most := pgbench.max_clients()) < max(chosen.connections):
                report.notes.append(
                    f"pgbench had at most about {most} connections, because PostgreSQL's"
                    " max_connections leaves no more to it."
                )
            measure(cases, chosen.connections, chosen.rounds, chosen.seconds, report)
            report.parts.append(cases_table(cases, chosen.connections))
            report.parts.append(goals_table(cases, chosen.connections))
        if "deep" in chosen.only:
            say(f"Measuring a chat of {deep:,} messages ...")
            pages = deep_operations(found)
            cases = cases_of("deep", server, pages, list(pages))
            # Over one connection, so that a time is one page's.
            measure(cases, [1], chosen.rounds, min(3, chosen.seconds), report)
            plans = [pgbench.explain(each) for each in pages.values()]
            report.parts.append(deep_table(cases, plans))
        server.check()


def cases_of(
    side: str, server: Server, known: dict[str, Operation], *wanted: Collection[str]
) -> list[Case]:
    """The operations of a server that are in each of `wanted`, each verified once."""
    found = []
    for name, each in known.items():
        if all(name in names for names in wanted):
            each.verify(server.url)
            found.append(Case(side, name, each.title, partial(load, server, each), each.sends))
    return found


def synapse_cases(stack: ExitStack, wanted: list[str], report: Report) -> list[Case]:
    def longer(measure: Measure, seconds: int, connections: int) -> Sample:
        """Twice the time, because each of many connections waits for seconds."""
        return measure(2 * seconds, connections)

    try:
        server = stack.enter_context(synapse.synapse())
        cases = cases_of("synapse", server, synapse.operations(server.url), wanted)
    except (MissingError, BrokenError, psycopg.Error, httpx.TransportError) as error:
        report.notes.append(f"Synapse could not be measured: {error}")
        return []
    for case in cases:
        case.measure = partial(longer, partial(case.measure, database=synapse.DATABASE))
    return cases
