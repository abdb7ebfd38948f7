"""What the figures of a run should be to each other."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.cases import FLOOR, LIMIT, OURS, PLAIN, SYNAPSE
from bench.report import Report, number, table

Value = Callable[[Report, int], float | None]
MANY = 128  # connections


@dataclass(frozen=True)
class Goal:
    """A ratio at a number of connections: at `least`, or below `most`."""

    text: str
    value: Value
    least: float | None = None
    most: float | None = None
    only: int | None = None  # the number of connections that it is for

    @property
    def wanted(self) -> str:
        return f"≥ {self.least:g}" if self.least is not None else f"< {self.most:g}"

    def met(self, value: float) -> bool:
        if self.least is not None:
            return value >= self.least
        return self.most is not None and value < self.most


def figure(report: Report, side: str, operation: str, connections: int, name: str) -> float | None:
    measured = report.measured(side, operation, connections)
    return measured.median(name) if measured else None


def rates(operation: str, side: str, other: str) -> Value:
    """Requests/s of an operation of ours by those of another side's."""

    def value(report: Report, connections: int) -> float | None:
        ours = figure(report, OURS, operation, connections, "rate")
        theirs = figure(report, side, other, connections, "rate")
        return ours / theirs if ours and theirs else None

    return value


def times(operation: str, other: str) -> Value:
    """The p50 of an operation of ours by that of another."""

    def value(report: Report, connections: int) -> float | None:
        first = figure(report, OURS, operation, connections, "p50")
        second = figure(report, OURS, other, connections, "p50")
        return first / second if first and second else None

    return value


def tail(operation: str) -> Value:
    def value(report: Report, connections: int) -> float | None:
        p99 = figure(report, OURS, operation, connections, "p99")
        p50 = figure(report, OURS, operation, connections, "p50")
        return p99 / p50 if p99 and p50 else None

    return value


def goals(report: Report) -> list[Goal]:
    ours = [row.operation for row in report.rows if row.side == OURS]
    return [
        Goal("send ÷ plain DRF, requests/s", rates("send", PLAIN, "send"), least=3),
        Goal("list15 ÷ plain DRF, requests/s", rates("list15", PLAIN, "list15"), least=3),
        Goal("send ÷ Synapse, requests/s", rates("send", SYNAPSE, "send"), least=25),
        Goal("list15 ÷ Synapse, requests/s", rates("list15", SYNAPSE, "list15"), least=12),
        Goal("send ÷ pgbench, requests/s", rates("send", LIMIT, "send"), least=0.20),
        Goal("list15 ÷ empty Django view, requests/s", rates("list15", FLOOR, "empty"), least=0.33),
        Goal("list100 ÷ list15, p50", times("list100", "list15"), most=2.5),
        *(Goal(f"{name}, p99 ÷ p50", tail(name), most=4, only=MANY) for name in ours),
    ]


def goals_table(report: Report) -> str:
    """A line for each goal that the run tells of; empty when it tells of none."""
    head = ["Goal", "", *(f"at {connections}" for connections in report.connections)]
    lines = []
    for goal in goals(report):
        cells = [
            cell(goal, goal.value(report, connections)) if goal.only in {None, connections} else ""
            for connections in report.connections
        ]
        if any(cells):
            lines.append([goal.text, goal.wanted, *cells])
    return table(head, lines) if lines else ""


def cell(goal: Goal, value: float | None) -> str:
    if value is None:
        return ""
    return number(value, 2) if goal.met(value) else f"{number(value, 2)} MISSED"
