"""What came out: tables in Markdown, and a plot of each but the last."""

from pathlib import Path
from typing import Any

from bench.growth.memory import Sample
from bench.growth.plot import Line, draw
from bench.growth.sizes import SENT_INTO, STEADY, Point
from bench.report import number, table

PLOTS = {
    "messages": ("A send into a long chat, median ms", "messages in the table, half of them there"),
    "users": ("A send, median ms", "users of the chat"),
    "chats": ("A member's first page of 15 chats, median ms", "chats of the company"),
}
COLOURS = {"PostgreSQL": "a", "SQLite": "b"}
# Of the messages' plot, which would have eight lines otherwise, two of them always on each other.
NOT_DRAWN = next(iter(SENT_INTO.values()))


def markdown(found: dict[str, Any], folder: Path) -> str:
    """The tables of all parts that were measured; their plots are written into `folder`."""
    parts = [conditions_text(found["conditions"])]
    for series in PLOTS if "sizes" in found else []:
        parts.append(of_sizes(series, found["sizes"], folder))
    if "memory" in found:
        parts.append(of_memory(found["memory"], folder))
    if "start" in found:
        rows = [[what, number(seconds, 2)] for what, seconds in found["start"]]
        parts.append(table(["Until it answers", "s"], rows))
    return "\n\n".join(parts)


def of_sizes(series: str, found: dict[str, list[Point]], folder: Path) -> str:
    title, what = PLOTS[series]
    lines: dict[tuple[str, str, str], dict[int, Point]] = {}
    for side, points in found.items():
        for point in points:
            if point.series == series:
                lines.setdefault((side, point.kind, point.where), {})[point.size] = point
    drawn = [
        Line(f"{kind}, {side}", [(size, at.p50) for size, at in line.items()], COLOURS[side])
        for (side, kind, where), line in lines.items()
        if where != NOT_DRAWN and (kind, where) != STEADY
    ]
    draw(folder / f"growth-{series}.svg", title, what, drawn)
    every = sorted({size for line in lines.values() for size in line})
    head = [f"p50, p99 ms by {what}", *(f"{size:,}" for size in every)]
    rows = [
        [", ".join(filter(None, name)), *(times(line.get(size)) for size in every)]
        for name, line in lines.items()
    ]
    return f"![{title}](growth-{series}.svg)\n\n{table(head, rows)}"


def times(point: Point | None) -> str:
    return f"{number(point.p50, 2)}, {number(point.p99, 1)}" if point else ""


def of_memory(samples: list[Sample], folder: Path) -> str:
    title, names = "Memory (PSS), MiB", list(samples[0][1])
    drawn = [
        Line(name, [(done, kib[name][1] / 1024) for done, kib in samples], "ba"["web" in name])
        for name in names
    ]
    draw(folder / "growth-memory.svg", title, "requests answered", drawn, log=False)
    rows = [
        [f"{done:,}", *(f"{rss:,}, {pss:,}" for rss, pss in kib.values())] for done, kib in samples
    ]
    head = ["RSS, PSS in KiB after requests", *names]
    return f"![{title}](growth-memory.svg)\n\n{table(head, rows)}"


def conditions_text(known: dict[str, Any]) -> str:
    postgresql = known["postgresql"]
    return (
        f"{known['started']}, commit {known['commit'] or 'unknown'}: {known['processors']}"
        " processors for service, database and load together (load before:"
        f" {known['load_before']:.1f}); {known['calls']} calls of each kind at each size;"
        f" Python {known['python']}, Django {known['Django']}, PostgreSQL"
        f" {postgresql['server_version']} (synchronous_commit {postgresql['synchronous_commit']})."
    )
