"""What came out: tables in Markdown, and plots."""

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import django
import matplotlib
import tabulate
from matplotlib import pyplot
from matplotlib.ticker import StrMethodFormatter

from bench.services import ROOT, connect

GREY = "#808080"  # visible on light and dark grounds
DASHES = ("-", "--", ":", "-.", (0, (5, 2)), (0, (1, 3)))
tabulate.MIN_PADDING = 0


class Goal(NamedTuple):
    """A value is to be at `least` the bound, or below it. To miss a goal is no error."""

    bound: float
    least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.least else '<'} {self.bound:,g}"

    def met(self, value: float) -> bool:
        return value >= self.bound if self.least else value < self.bound


@dataclass
class Report:
    """Paragraphs and tables, and the reasons why the figures can't be trusted."""

    parts: list[str]
    wrong: list[str] = field(default_factory=list)


def conditions(options: dict[str, Any]) -> str:
    """What the figures are measured under."""
    query = "SELECT version(), current_setting('synchronous_commit')"
    with connect() as database:
        version, commits = database.execute(query).fetchone() or ("", "")
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}: {os.cpu_count()} processors for"
        f" services, databases and load together (load before: {os.getloadavg()[0]:.1f});"
        f" {', '.join(f'{name} {value}' for name, value in options.items())};"
        f" Python {platform.python_version()}, Django {django.__version__},"
        f" {version.split(',')[0]} (synchronous_commit {commits})."
    )


def number(value: float, digits: int = 0) -> str:
    """Nothing for what is not known, which is nan."""
    return "" if isnan(value) else f"{value:,.{digits}f}"


def judged(value: float, digits: int, goal: Goal | None) -> str:
    missed = goal is not None and not isnan(value) and not goal.met(value)
    return number(value, digits) + " MISSED" * missed


def table(head: Iterable[str], rows: list[list[str]]) -> str:
    names = list(head)
    aligned = ["left", *("right" for _ in names[1:])]
    return tabulate.tabulate(
        rows, names, tablefmt="pipe", colalign=aligned if rows else None, disable_numparse=True
    )


def plot(
    path: Path,
    title: str,
    x_title: str,
    lines: dict[str, list[tuple[float, float]]],
    log: bool = True,
) -> str:
    """Write an SVG with both axes logarithmic, or linear from 0; returns its Markdown."""
    matplotlib.use("svg")
    grey = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style = {"svg.fonttype": "none", "svg.hashsalt": path.name, **dict.fromkeys(grey, GREY)}
    with matplotlib.rc_context(style):
        figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
        for (label, points), dashes in zip(lines.items(), DASHES, strict=False):
            axes.plot(*zip(*points, strict=True), linestyle=dashes, label=label)
        axes.set(title=title, xlabel=x_title)
        if log:
            axes.set(xscale="log", yscale="log")
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, high / 100), high)  # what is flat must look flat
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        else:
            axes.set(xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right center", frameon=False)
        figure.savefig(path, transparent=True, metadata={"Date": None})
    return f"![{title}]({path.name})"
