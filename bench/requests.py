"""Requests, beside plain DRF, an empty view, Synapse and pgbench: `make bench`."""

import argparse
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import nan

import numpy as np
import psycopg
from django.conf import settings

from bench import people, pgbench, synapse
from bench.load import Operation, Sample, deep_operations, load, operations
from bench.report import Goal, Report, judged, number, table
from bench.services import BrokenError, MissingError, Server, database, gunicorn, say

WARM_UP = 1  # seconds
OURS = "Chat API"
COMPARED = ("send", "list15")  # with plain DRF, Synapse and pgbench
# A figure of one of our operations by that of another one.
RATIOS = [
    ("send ÷ plain DRF, requests/s", "rate", "send", "Plain DRF", "send", Goal(3, True)),
    ("list15 ÷ plain DRF, requests/s", "rate", "list15", "Plain DRF", "list15", Goal(3, True)),
    ("send ÷ Synapse, requests/s", "rate", "send", "Synapse", "send", Goal(25, True)),
    ("list15 ÷ Synapse, requests/s", "rate", "list15", "Synapse", "list15", Goal(12, True)),
    ("send ÷ pgbench, requests/s", "rate", "send", "pgbench", "send", Goal(0.2, True)),
    ("list15 ÷ empty view, requests/s", "rate", "list15", "Django", "empty", Goal(0.33, True)),
    ("list100 ÷ list15, p50", "p50", "list100", OURS, "list15", Goal(2.5)),
]
TAIL, TAIL_CONNECTIONS = Goal(4), 128
Measure = Callable[[int, int], Sample]  # of seconds and connections


@dataclass
class Case:
    """An operation of one side, and its rounds by the number of connections."""

    side: str
    operation: str
    title: str
    measure: Measure
    sends: float = 0  # the share of its requests that write a message into our database
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def median(self, name: str, connections: int) -> float:
        """Of a field of the samples; nan when it is not known of all of them."""
        return float(np.median([getattr(sample, name) for sample in self.samples[connections]]))

    def total(self, name: str, *counts: int) -> int:
        """Of a field of the samples, at these numbers of connections or at all."""
        of = counts or self.samples
        return sum(getattr(each, name) for count in of for each in self.samples[count])

    def __str__(self) -> str:
        return f"{self.side}, {self.operation}"


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
        told = report.parts if case.side == "Synapse" else report.wrong
        if failed or not case.total("requests"):
            told.append(f"{failed} of {case.total('requests')} requests of {case} failed.")
    if written < answered:
        report.wrong.append(f"{answered:,.0f} sends were answered and {written:,} are written.")


def cases_table(cases: list[Case], counts: list[int]) -> str:
    head = "Operation, Connections, Requests/s, p50 ms, p99 ms, Failed, Web CPU ms"
    digits, rows = {"rate": 0, "p50": 1, "p99": 1, "web_cpu": 2, "database_cpu": 2}, []
    for case, count in product(cases, counts):
        cells = [number(case.median(name, count), places) for name, places in digits.items()]
        cells.insert(3, str(case.total("failed", count)))
        rows.append([f"{case.side}: {case.title}", str(count), *cells])
    return table([*head.split(", "), "PostgreSQL CPU ms"], rows)


def goals_table(cases: list[Case], counts: list[int]) -> str:
    """A row for each goal that the run has figures for."""
    known, rows = {(case.side, case.operation): case for case in cases}, []

    def cell(goal: Goal, first: float, second: float) -> str:
        return judged(first / second, 2, goal) if first and second else ""

    for title, name, ours, side, theirs, goal in RATIOS:
        both = [known[each] for each in ((OURS, ours), (side, theirs)) if each in known]
        if len(both) == 2:
            pairs = ([each.median(name, at) for each in both] for at in counts)
            rows.append([title, str(goal), *(cell(goal, *pair) for pair in pairs)])
    for case in cases:
        if case.side == OURS and TAIL_CONNECTIONS in counts:
            tail = cell(TAIL, *(case.median(name, TAIL_CONNECTIONS) for name in ("p99", "p50")))
            cells = [tail if at == TAIL_CONNECTIONS else "" for at in counts]
            rows.append([f"{case.operation}, p99 ÷ p50", str(TAIL), *cells])
    return table(["Goal", "", *(f"at {connections}" for connections in counts)], rows)


def deep_table(cases: list[Case], plans: list[tuple[float, int]]) -> str:
    head, rows = "One long chat, p50 ms, p99 ms, Ratio, Failed, In PostgreSQL ms, Blocks", []
    for case, (milliseconds, blocks) in zip(cases, plans, strict=True):
        p50, p99, first = case.median("p50", 1), case.median("p99", 1), cases[0].median("p50", 1)
        cells = [*(number(each, 2) for each in (p50, p99, p50 / (first or nan)))]
        cells.append(number(case.total("failed")))
        rows.append([case.title, *cells, number(milliseconds, 3), number(blocks)])
    return table(head.split(", "), rows)


def run(chosen: argparse.Namespace, report: Report) -> None:
    with ExitStack() as stack:
        stack.enter_context(database(keep=chosen.keep))
        chats, deep = round(1000 * chosen.scale), round(1_000_000 * chosen.scale)
        say(f"Making {chats:,} chats of 500 messages ...")
        found = people.make(chats, 500, deep if "deep" in chosen.only else 0)
        web = f"{settings.WEB_CONCURRENCY} web processes of {settings.WEB_THREADS} threads."
        report.parts.append(web)
        server = stack.enter_context(gunicorn())
        if chosen.only != ["deep"]:
            known = operations(found)
            cases = cases_of(OURS, server, known, chosen.only)
            if {"plain", "floor"} & set(chosen.beside):
                module = "bench.plain_settings"
                other = stack.enter_context(gunicorn(DJANGO_SETTINGS_MODULE=module))
            if "plain" in chosen.beside:
                cases += cases_of("Plain DRF", other, known, chosen.only, COMPARED)
            if "floor" in chosen.beside:
                cases += cases_of("Django", other, known, ["empty"])
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
                report.parts.append(
                    f"pgbench had at most about {most} connections, because PostgreSQL's"
                    " max_connections leaves no more to it."
                )
            measure(cases, chosen.connections, chosen.rounds, chosen.seconds, report)
            report.parts.append(cases_table(cases, chosen.connections))
            report.parts.append(goals_table(cases, chosen.connections))
        if "deep" in chosen.only:
            say(f"Measuring a chat of {deep:,} messages ...")
            pages = deep_operations(found)
            cases = cases_of("One long chat", server, pages, list(pages))
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
            each.verify(server)
            found.append(Case(side, name, each.title, partial(load, server, each), each.sends))
    return found


def synapse_cases(stack: ExitStack, wanted: list[str], report: Report) -> list[Case]:
    def longer(measure: Callable[..., Sample], seconds: int, connections: int) -> Sample:
        """Twice the time, because each of many connections waits for seconds."""
        return measure(2 * seconds, connections, synapse.DATABASE)

    try:
        server = stack.enter_context(synapse.synapse())
        cases = cases_of("Synapse", server, synapse.operations(server), wanted)
    except (MissingError, BrokenError, psycopg.Error, OSError) as error:
        report.parts.append(f"Synapse could not be measured: {error}")
        return []
    for case in cases:
        case.measure = partial(longer, case.measure)
    return cases
