"""The rounds of a run, and whether what they wrote is right."""

import sys

import psycopg

from bench import data, deep
from bench.cases import OURS, SYNAPSE, TITLES, Case
from bench.operations import deep_operations, verify
from bench.report import Measured, Report, Row
from bench.served import Served

WARM_UP = 1  # seconds


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(
    cases: list[Case], report: Report, db: psycopg.Connection, rounds: int, seconds: int
) -> None:
    """Every case in turn, at every number of connections, so that a noisy minute meets all."""
    counts = report.connections
    for case in cases:
        say(f"  warming up: {TITLES[case.side]}, {case.operation}")
        at = {connections: Measured(case.title) for connections in counts}
        report.rows.append(Row(case.side, case.operation, case.title, case.sends, at))
        case.measure(WARM_UP, counts[0])
    before = data.count_messages(db)
    for number in range(1, rounds + 1):
        for connections in counts:
            for case, row in zip(cases, report.rows, strict=True):
                data.settle(db)
                sample = case.measure(seconds, connections)
                row.at[connections].samples.append(sample)
                say(
                    f"  round {number}, {connections} connections:"
                    f" {TITLES[case.side]}, {case.operation} {sample.rate:,.0f}/s"
                )
    check_sends(report, data.count_messages(db) - before)


def check_sends(report: Report, written: int) -> None:
    """What was answered is written; what was under way at a round's end may be, too."""
    answered, failed, spare = 0.0, 0, 0
    for row in report.rows:
        for connections, measured in row.at.items():
            if row.sends:
                answered += row.sends * sum(sample.requests for sample in measured.samples)
                failed += measured.failed
                spare += connections * len(measured.samples)
    # Which requests of a mix were the sends is known but for those of a round's end.
    mixed = spare if any(0 < row.sends < 1 for row in report.rows) else 0
    if not answered - failed - mixed <= written <= answered + spare + mixed:
        report.wrong.append(f"{answered:,.0f} sends were answered and {written:,} are written.")


def check_logs(report: Report, db: psycopg.Connection, found: data.Data) -> None:
    if broken := data.broken_logs(db, found):
        report.wrong.append(f"{broken} chats have a log with gaps.")


def measure_deep(
    served: Served, found: data.Data, report: Report, rounds: int, seconds: int
) -> None:
    """Pages of the long chat over one connection, so that a time is a page's own."""
    wanted = deep_operations(found)
    for operation in wanted:
        say(f"  warming up: {operation.name}")
        verify(operation, served.url)
        report.deep[operation.name] = Measured(operation.title)
        report.plans[operation.name] = deep.explain(operation, served.db, served.url)
        served.load(operation, 1, 1)
    for number in range(1, rounds + 1):
        for operation in wanted:
            sample = served.load(operation, min(3, seconds), 1)
            report.deep[operation.name].samples.append(sample)
            say(f"  round {number}: {operation.name} {sample.p50:.2f} ms")


def check_answers(report: Report) -> None:
    """Whoever failed a request, or answered none, makes the figures mean nothing."""
    found = [
        (f"{TITLES[row.side]}, {row.operation}, {connections} connections", row.side, measured)
        for row in report.rows
        for connections, measured in row.at.items()
    ]
    found += [(name, OURS, measured) for name, measured in report.deep.items()]
    for name, side, measured in found:
        # Synapse is not ours to mend.
        told = report.notes if side == SYNAPSE else report.wrong
        if measured.failed:
            told.append(f"{measured.failed} requests of {name} failed.")
        if not any(sample.requests for sample in measured.samples):
            told.append(f"No request of {name} was answered.")
