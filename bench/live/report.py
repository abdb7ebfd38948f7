"""What came out: each number beside its goal, as Markdown and as JSON in bench/results/."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.live.measure import Round
from bench.report import RESULTS, number, table


@dataclass(frozen=True)
class Goal:
    """A bound: `under` or `least`. A goal that is missed is told, and is no error."""

    bound: float
    least: bool = False

    def met(self, value: float | None) -> bool:
        if value is None:
            return False
        return value >= self.bound if self.least else value < self.bound

    def text(self, digits: int) -> str:
        if self == NONE:
            return "none"
        return f"{'at least' if self.least else 'under'} {number(self.bound, digits)}"


READ = (
    "Times are from the answer to a send, or from its commit when the application's own action"
    " sends, until the event is complete at a listener: 0 when it was there before the answer."
    " Deliveries/s are those that came in while it was being sent. CPU is in shares of one"
    " processor: of the stream process, of the listeners' process and of all processes, others'"
    " too. Channels is spared tokens, limits, the log, the database and comments, and its sender"
    " writes an event once for all listeners; its rounds are shorter, since what it can't follow"
    " piles up."
)

NONE = Goal(1)  # of things that are counted


@dataclass(frozen=True)
class Figure:
    scenario: str
    measure: str
    value: float | None
    digits: int
    goal: Goal | None = None
    note: str = ""

    def cells(self) -> list[str]:
        met = "" if self.goal is None else "yes" if self.goal.met(self.value) else "**MISSED**"
        goal = "" if self.goal is None else self.goal.text(self.digits)
        value = "not measured" if self.value is None else number(self.value, self.digits)
        return [self.measure, value, goal, met, self.note]


@dataclass
class Report:
    """`wrong` are the conditions that failed: only they make the run fail."""

    conditions: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    say: Callable[[str], None] = print

    def add(
        self,
        scenario: str,
        measure: str,
        value: float | None,
        digits: int = 0,
        goal: Goal | None = None,
        note: str = "",
    ) -> None:
        figure = Figure(scenario, measure, value, digits, goal, note)
        self.figures.append(figure)
        self.say("    " + "  ".join(filter(None, figure.cells())))

    def add_round(self, scenario: str, played: Round, wrong: list[str]) -> None:
        """`wrong` is what makes the run fail."""
        self.rounds.setdefault(scenario, []).append(played)
        p99 = number(played.p99, 1) or "no"
        self.say(
            f"    {played.side}: {played.per_second:,.0f} deliveries/s, p99 {p99} ms"
            + "".join(f", {each}" for each in played.wrong + played.cut)
        )
        if wrong:
            self.wrong.append(f"{scenario}: {', '.join(wrong)}.")

    def markdown(self) -> str:
        parts = [self.conditions_text()]
        for name in dict.fromkeys([*(each.scenario for each in self.figures), *self.rounds]):
            parts.append(f"### {name}")
            figures = [each.cells() for each in self.figures if each.scenario == name]
            if figures:
                parts.append(table(["Measure", "Value", "Goal", "Met", "Note"], figures))
            if name in self.rounds:
                parts.append(rounds_table(self.rounds[name]))
        parts += [READ, *self.notes]
        missed = sum(
            each.goal is not None and not each.goal.met(each.value) for each in self.figures
        )
        parts.append(f"{missed} goals were missed." if missed else "Every goal was met.")
        parts += [f"WRONG: {sentence}" for sentence in self.wrong]
        return "\n\n".join(parts)

    def conditions_text(self) -> str:
        known = self.conditions
        load = known["load_before"]
        return (
            f"{known['started']}, commit {known['commit'] or 'unknown'}: {known['processors']}"
            " processors for services, databases, senders and listeners together"
            + (f" (load before: {load:.1f})" if load is not None else "")
            + f"; one stream process, {known['web']} web processes; Python {known['python']},"
            f" Django {known['Django']}, PostgreSQL {known['postgresql']['server_version']}"
            f" (synchronous_commit {known['postgresql']['synchronous_commit']})."
        )

    def write(self) -> Path:
        """Everything as a file; returns its path."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"live-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        known = {
            "conditions": self.conditions,
            "figures": [
                {**asdict(each), "met": each.goal.met(each.value) if each.goal else None}
                for each in self.figures
            ],
            "rounds": {name: [asdict(each) for each in of] for name, of in self.rounds.items()},
            "notes": self.notes,
            "wrong": self.wrong,
        }
        path.write_text(json.dumps(known, indent=1, default=str) + "\n")
        return path


def rounds_table(rounds: list[Round]) -> str:
    head = [
        "Round", "Streams", "Sends/s asked", "Sends/s", "Deliveries/s", "p50 ms", "p99 ms",
        "Worst ms", "p99 ms from the request", "Missing", "Doubled",
        "Cut off or refused", "CPU: streams / listeners / all",
    ]  # fmt: skip
    return table(head, [
        [
            each.side,
            number(each.streams, 0),
            number(each.offered, 0),
            number(each.sent, 1),
            number(each.per_second, 0),
            number(each.p50, 1),
            number(each.p99, 1),
            number(each.worst, 1),
            number(each.asked_p99, 1),
            str(each.missing),
            str(each.doubled),
            str(sum(each.counts.values())),
            each.cpu.text() if each.cpu else "",
        ]
        for each in rounds
    ])  # fmt: skip
