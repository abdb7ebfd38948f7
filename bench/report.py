"""What came out: a table in Markdown, and everything as JSON in bench/results/."""

import json
import os
import platform
import statistics
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as package
from pathlib import Path
from typing import Any

import psycopg

from bench.deep import Plan
from bench.environment import ROOT, TOOLS, version
from bench.load import Sample

RESULTS = ROOT / "bench" / "results"
DATABASE_SETTINGS = (
    "server_version", "shared_buffers", "synchronous_commit", "fsync", "max_connections", "jit",
)  # fmt: skip


@dataclass
class Measured:
    """All rounds of one operation under one load."""

    title: str
    samples: list[Sample] = field(default_factory=list)

    def median(self, name: str) -> float | None:
        """The median of a field of the samples, None when it is not known of all of them."""
        values = [getattr(sample, name) for sample in self.samples]
        return statistics.median(values) if values and None not in values else None

    @property
    def failed(self) -> int:
        return sum(sample.failed for sample in self.samples)


@dataclass
class Row:
    """One operation of one side, by the number of connections.

    `sends` is the share of its requests that write a message.
    """

    side: str
    operation: str
    title: str
    sends: float
    at: dict[int, Measured]


@dataclass
class Report:
    """All rounds of a run.

    `scripts`, `deep` and `plans` are by the operation's name; `notes` are what a reader must know,
    `wrong` the conditions that failed.
    """

    conditions: dict[str, Any]
    connections: list[int]
    rows: list[Row] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    deep: dict[str, Measured] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def measured(self, side: str, operation: str, connections: int) -> Measured | None:
        for row in self.rows:
            if (row.side, row.operation) == (side, operation):
                return row.at.get(connections)
        return None

    def cases_table(self, titles: dict[str, str]) -> str:
        """`titles` are those of the sides."""
        head = [
            "Operation", "Connections", "Requests/s", "p50 ms", "p99 ms", "Failed",
            "Web CPU ms", "PostgreSQL CPU ms",
        ]  # fmt: skip
        lines = [
            [
                f"{titles[row.side]}: {row.title}",
                str(connections),
                number(measured.median("rate"), 0),
                number(measured.median("p50"), 1),
                number(measured.median("p99"), 1),
                str(measured.failed),
                number(measured.median("web_cpu"), 2),
                number(measured.median("database_cpu"), 2),
            ]
            for row in self.rows
            for connections, measured in row.at.items()
        ]
        return table(head, lines)

    def deep_table(self) -> str:
        head = [
            "One long chat",
            "p50 ms",
            "p99 ms",
            "Ratio",
            "Failed",
            "In PostgreSQL ms",
            "Blocks",
        ]
        first = next(iter(self.deep.values())).median("p50")
        lines = []
        for name, measured in self.deep.items():
            p50, plan = measured.median("p50"), self.plans.get(name)
            lines.append([
                measured.title,
                number(p50, 2),
                number(measured.median("p99"), 2),
                f"{p50 / first:.2f}" if p50 and first else "",
                str(measured.failed),
                number(plan.milliseconds, 3) if plan else "",
                str(plan.blocks) if plan else "",
            ])  # fmt: skip
        return table(head, lines)

    def write(self) -> Path:
        """Everything, each round too, as a file; returns its path."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n")
        return path


def number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A table in Markdown whose columns also stand in line when it is read as it is."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]

    def row(cells: list[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return f"| {' | '.join(padded)} |"

    rule = [widths[0] * "-", *((width - 1) * "-" + ":" for width in widths[1:])]
    return "\n".join([row(head), row(rule), *map(row, lines)])


def conditions(db: psycopg.Connection, **chosen: Any) -> dict[str, Any]:
    """Under what the figures came about."""
    settings = db.execute(
        "SELECT name, current_setting(name) FROM unnest(%s::text[]) name", [list(DATABASE_SETTINGS)]
    ).fetchall()
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processors": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: package(name) for name in ("Django", "gunicorn", "uvicorn", "psycopg")},
        **{name: version(*command) for name, (command, _) in TOOLS.items()},
        "postgresql": dict(settings),
        **chosen,
    }


def commit() -> str:
    """The commit that is measured, with a + when files differ from it; empty without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def conditions_text(known: dict[str, Any]) -> str:
    load = known["load_before"]
    return (
        f"{known['started']}, commit {known['commit'] or 'unknown'}:"
        f" {known['processors']} processors for service, databases and load together"
        + (f" (load before: {load:.1f})" if load is not None else "")
        + f"; {known['web_concurrency']} web processes of {known['web_threads']} threads;"
        f" {' and '.join(map(str, known['connections']))} connections; {known['chats']:,} chats of"
        f" {known['messages']:,} messages; medians of {known['rounds']} rounds of"
        f" {known['seconds']} s; Python {known['python']}, Django {known['Django']},"
        f" PostgreSQL {known['postgresql']['server_version']}"
        f" (synchronous_commit {known['postgresql']['synchronous_commit']})."
    )
