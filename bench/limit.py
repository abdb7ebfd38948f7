"""The limit: pgbench running the very statements that the application sends for an operation.

They are captured from a real request of this run, so they can't drift from the application: what
named the chat, its guest and the rows of the request becomes a variable, all else stays. A value
that can't be placed ends the run, and so does a statement that meets no row.
"""

import os
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from bench import cpu
from bench.capture import Captured, Statement, capture, literal
from bench.data import GUESTS, Data
from bench.environment import Environment
from bench.load import Sample
from bench.operations import Operation
from bench.stop import BrokenError

SPARE = 20  # connections of PostgreSQL that pgbench leaves to others

# What the statements of an operation do, in order; the rest of them is free.
SHAPES = {
    "send": [
        "SELECT chats_chatusertoken",
        "WITH",  # all that a send writes
    ],
    "list15": ["SELECT chats_chatusertoken", "SELECT chats_message"],
}


def shape(statement: Statement) -> str:
    """A statement's verb and the table it is about."""
    found = re.match(
        r'\s*(?:(SELECT)\b.*?\bFROM|(INSERT) INTO|(UPDATE)|(DELETE) FROM)\s+"?(\w+)',
        statement.sql,
        re.DOTALL,
    )
    return " ".join(filter(None, found.groups())) if found else statement.sql.split()[0]


def script(operation: Operation, data: Data, db: psycopg.Connection, base: str) -> str:
    """An operation as a script of pgbench, for a chat at random.

    Raises BrokenError when the statements are not those that the benchmark tells of.
    """
    captured = capture(operation, base)
    shapes = [shape(statement) for statement in captured.statements]
    if shapes != SHAPES[operation.name]:
        raise BrokenError(
            f"{operation.name} sends {shapes}, the benchmark knows {SHAPES[operation.name]}:"
            " bench/limit.py and docs/performance.md want another look."
        )
    names = variables(operation, captured)
    lines = []
    for statement, what in zip(captured.statements, shapes, strict=True):
        text = statement.fill(lambda value: written(value, names))
        # A row that comes back is kept in variables named after the table and the column.
        lines.append(Line(text, f"{what.split()[1]}_" if keeps(what, text) else ""))
    rehearse(lines, data.chats[-1], db)
    head = [
        f"\\set chat random({data.chats[0]}, {data.chats[-1]})",
        f"\\set guest :chat + {GUESTS}",
    ]
    return "\n".join([*head, *map(str, lines)]) + "\n"


def keeps(what: str, text: str) -> bool:
    """Whether a statement gives a row that the next ones need."""
    return what != "WITH" and " RETURNING " in text


@dataclass(frozen=True)
class Line:
    """A statement of a script; `keep` is before the names of the variables that take its row."""

    sql: str
    keep: str

    def __str__(self) -> str:
        return self.sql + (f" \\gset {self.keep}" if self.keep else ";")


def rehearse(lines: list[Line], chat: int, db: psycopg.Connection) -> None:
    """Run a script once for another chat than the captured one, and take it back.

    Raises BrokenError when a statement meets no row: pgbench would count that as done.
    """
    known = {"chat": str(chat), "guest": str(GUESTS + chat)}
    with db.transaction(force_rollback=True):
        for line in lines:
            if line.sql in {"BEGIN", "COMMIT"}:
                continue
            text = re.sub(r"(?<!:):([a-z_]+)", lambda name: f"'{known[name[1]]}'", line.sql)
            cursor = db.execute(text)
            if cursor.rowcount < 1:
                raise BrokenError(f"A statement of the limit meets no row: {text}")
            if line.keep:
                row = cursor.fetchone()
                assert row is not None
                assert cursor.description is not None
                for column, value in zip(cursor.description, row, strict=True):
                    known[line.keep + column.name] = str(value)


def variables(operation: Operation, captured: Captured) -> dict[Any, str]:
    """pgbench's variable for each value that belongs to this one request."""
    from chatapi.api import tokens

    target = operation.targets[0]
    names: dict[Any, str] = {
        target.chat: ":chat",
        GUESTS + int(target.chat): ":guest",
        # `data.make_tokens` made a token with this digest.
        tokens.digest(target.token): ":chat",
    }
    if operation.method == "POST":
        names[captured.answer["seq"]] = ":chats_chat_last_seq"
        names[captured.answer["id"]] = ":chats_message_id"
    return names


def written(value: Any, names: dict[Any, str]) -> str:
    """A parameter in pgbench's script: a variable, or the value itself."""
    value = getattr(value, "obj", value)  # what the driver's wrapper for bytes holds
    if isinstance(value, bytes | memoryview):
        value = bytes(value)
    if isinstance(value, bool) or value is None:
        return literal(value)
    if isinstance(value, datetime):
        # pgbench takes what follows a colon for a variable, in a string too.
        return f"'{value.astimezone(UTC):%Y%m%dT%H%M%S.%f}+00'::timestamptz"
    if isinstance(value, str) and ":" not in value:
        return literal(value)
    if isinstance(value, int | bytes) and value in names:
        return names[value]
    raise BrokenError(f"A statement has a value that the benchmark can't place: {value!r}")


def run(
    text: str, environment: Environment, db: psycopg.Connection, seconds: int, clients: int
) -> Sample:
    """Let pgbench run a script with prepared statements and so many clients."""
    server = conninfo.conninfo_to_dict(environment.database_url)
    # By the environment, since a command line is anybody's to read.
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    access = {f"PG{names[key]}": str(server[key]) for key in names if server.get(key)}
    access["PGDATABASE"] = str(server["dbname"])
    with tempfile.TemporaryDirectory(dir=environment.data_dir) as folder:
        path = Path(folder) / "script.sql"
        path.write_text(text)
        command = [
            "pgbench", "--no-vacuum", "--protocol=prepared", f"--client={clients}",
            f"--jobs={min(2, clients)}", f"--time={seconds}", "--log",
            f"--log-prefix={folder}/times", f"--file={path}",
        ]  # fmt: skip
        with subprocess.Popen(
            command,
            env={**os.environ, **access},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                busy = processors(process, db, seconds)
                said, complained = process.communicate(timeout=seconds + 60)
            except BaseException:
                process.kill()
                raise
        rate = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        if process.returncode or rate is None or "aborted" in complained:
            raise BrokenError(f"pgbench failed: {(complained or said)[-1000:]}")
        # A line for each transaction; the third word is its time in microseconds.
        times = [
            int(line.split()[2]) / 1000
            for log in Path(folder).glob("times.*")
            for line in log.read_text().splitlines()
        ]
    cuts = statistics.quantiles(times, n=100)
    return Sample(
        len(times),
        float(rate[1]),
        cuts[49],
        cuts[98],
        failed=0,
        database_cpu=None if busy is None else busy * 1000 / float(rate[1]),
    )


def processors(
    process: "subprocess.Popen[str]", db: psycopg.Connection, seconds: int
) -> float | None:
    """How many processors its backends keep busy, seen in the middle of its time.

    Their time is gone when they are, at its end.
    """
    readings = []
    for pause in (seconds / 4, seconds / 2):
        time.sleep(pause)
        readings.append((time.monotonic(), cpu.backends(db)))
    (began, before), (ended, after) = readings
    if before is None or after is None or process.poll() is not None:
        return None
    return (after - before) / (ended - began)


def most_clients(db: psycopg.Connection) -> int:
    """How many clients more PostgreSQL lets in, a few left for others."""
    row = db.execute(
        "SELECT current_setting('max_connections')::int"
        " - current_setting('superuser_reserved_connections')::int - count(*)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ).fetchone()
    assert row is not None
    return max(1, int(row[0]) - SPARE)
