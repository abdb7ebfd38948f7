"""What a page costs PostgreSQL, at the end of a long chat and deep in it."""

import json
import statistics
from dataclasses import dataclass, replace

import psycopg

from bench.capture import capture, literal
from bench.operations import Operation


@dataclass(frozen=True)
class Plan:
    """EXPLAIN (ANALYZE, BUFFERS) of a page's statement. Milliseconds; blocks read or found."""

    milliseconds: float
    blocks: int
    nodes: list[str]


def explain(operation: Operation, db: psycopg.Connection, base: str) -> Plan:
    """The plan of the statement that reads the messages, its time the median of nine."""
    found = capture(replace(operation, targets=operation.targets[:1]), base).statements
    (page,) = [statement for statement in found if 'FROM "chats_message"' in statement.sql]
    text = page.fill(literal)
    times = []
    for _ in range(9):
        row = db.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}").fetchone()
        assert row is not None
        plan = (json.loads(row[0]) if isinstance(row[0], str) else row[0])[0]
        times.append(plan["Execution Time"])
    top = plan["Plan"]
    blocks = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Plan(statistics.median(times), blocks, nodes(top))


def nodes(plan: dict[str, object]) -> list[str]:
    """The kinds of a plan's nodes, from the top, each with the index it uses."""
    own = " ".join(str(plan[key]) for key in ("Node Type", "Index Name") if key in plan)
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    return [own, *(node for child in below for node in nodes(child))]
