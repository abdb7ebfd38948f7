"""The limit: pgbench runs the statements that the application sends for an operation.

They are captured from a real request of this run: the chat and its guest become variables, and
everything else stays. A value that can't be placed ends the run.
"""

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from psycopg import conninfo, sql

from bench.load import Operation, Sample
from bench.people import GUESTS, People, execute, one
from bench.services import DATABASE, BrokenError, backends_cpu, connect, database_url
from chatapi.api import tokens

SPARE = 20  # connections of PostgreSQL that pgbench leaves to others
EXPLAINED = 9  # times
STATEMENTS = 2  # of an operation: the look-up of the token, and what is asked for


def capture(operation: Operation, written: Callable[[Any], str]) -> list[str]:
    """The statements of one request that is made in this process, with parameters as `written`."""
    target, seen = operation.targets[0], list[str]()

    def note(execute: Any, text: str, params: Any, many: bool, context: Any) -> Any:
        rest = iter(params or ())
        filled = re.sub("%s|%%", lambda at: written(next(rest)) if at[0] == "%s" else "%", text)
        seen.append(" ".join(filled.split()))
        return execute(text, params, many, context)

    with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(note):
        headers = {"authorization": f"Bearer {target.token}", "host": "127.0.0.1"}
        answer = Client(headers=headers).generic(
            operation.method, operation.url(target), operation.body, "application/json"
        )
    if answer.status_code not in {200, 201}:
        raise BrokenError(f"{operation.name} answered {answer.status_code} in this process")
    # The queries have BEGIN and COMMIT too, which the wrapper does not see.
    assert len(queries) == len(seen), "a statement was not captured"
    return seen


def literal(value: Any) -> str:
    """`value` as SQL, as the driver would write it."""
    return str(sql.Literal(value).as_string(connection.connection))


def explain(operation: Operation) -> tuple[float, int]:
    """Milliseconds and blocks of the statement that reads a page's messages."""
    (page,) = [text for text in capture(operation, literal) if 'FROM "chats_message"' in text]
    explaining = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {page}"
    plans = [one(explaining)[0] for _ in range(EXPLAINED)]
    top = plans[-1]["Plan"]
    blocks = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return statistics.median(plan["Execution Time"] for plan in plans), blocks


def script(operation: Operation, people: People) -> str:
    """An operation as a script of pgbench, for a chat at random."""
    chat, token = int(operation.targets[0].chat), operation.targets[0].token
    # The token's digest: `people.make_tokens` made another token that has the chat's id for one.
    names = {chat: ":chat", GUESTS + chat: ":guest", tokens.digest(token): ":chat"}
    lines = capture(operation, lambda value: written(value, names))
    if len(lines) != STATEMENTS:
        raise BrokenError(f"docs/performance.md describes {STATEMENTS} statements, not {lines}")
    # pgbench would count a statement that matches no row as done. So run them for another chat.
    known = {"chat": people.chats[-1], "guest": GUESTS + people.chats[-1]}
    with transaction.atomic():
        for line in lines:
            text = re.sub(r"(?<!:):([a-z]+)", lambda name: f"'{known[name[1]]}'", line)
            if not execute(text):
                raise BrokenError(f"A statement of the limit matches no row: {text}")
        transaction.set_rollback(True)
    head = f"\\set chat random({people.chats[0]}, {people.chats[-1]})\n\\set guest :chat + {GUESTS}"
    return ";\n".join([f"{head}\n{lines[0]}", *lines[1:], ""])


def written(value: Any, names: dict[Any, str]) -> str:
    """A parameter in pgbench's script: a variable, or the value itself."""
    value = getattr(value, "obj", value)  # from the driver's wrapper for bytes
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, datetime):
        # pgbench takes what follows a colon for a variable, in a string too.
        return f"'{value.astimezone(UTC):%Y%m%dT%H%M%S.%f}+00'::timestamptz"
    if value is None or isinstance(value, bool) or (isinstance(value, str) and ":" not in value):
        return literal(value)
    if isinstance(value, int | bytes) and value in names:
        return names[value]
    raise BrokenError(f"A statement has a value that the benchmark can't place: {value!r}")


def run(text: str, seconds: int, connections: int) -> Sample:
    """Let pgbench run a script with prepared statements, and with `connections` if it can."""
    # By the environment, because anybody can read a command line.
    known = conninfo.conninfo_to_dict(database_url(DATABASE))
    access = {f"PG{key.upper()}": str(value) for key, value in known.items() if key != "dbname"}
    clients = min(max_clients(), connections)
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder, connect() as maintenance:
        path, said = Path(folder) / "script.sql", Path(folder) / "said"
        path.write_text(text)
        command = ["pgbench", "--no-vacuum", "--protocol=prepared", "--log"]
        command += [f"--client={clients}", f"--jobs={min(2, clients)}", f"--time={seconds}"]
        command += [f"--file={path}", DATABASE]
        with (
            said.open("wb") as output,
            subprocess.Popen(
                command, env={**os.environ, **access}, cwd=folder, stdout=output, stderr=output
            ) as process,
        ):
            # Before it ends, and the time of its backends can't be seen any more.
            readings = []
            for pause in (seconds / 4, seconds / 2):
                time.sleep(pause)
                readings.append((time.monotonic(), backends_cpu(maintenance, DATABASE)))
        found = re.search(r"^tps = ([\d.]+)", said.read_text(), re.MULTILINE)
        if process.returncode or found is None or "aborted" in said.read_text():
            raise BrokenError(f"pgbench failed: {said.read_text()[-1000:]}")
        # A line for each transaction; its third column is the time in microseconds.
        logs = Path(folder).glob("pgbench_log.*")
        times = np.concatenate([np.loadtxt(log, usecols=2, ndmin=1) for log in logs]) / 1000
    (began, before), (ended, after) = readings
    rate = float(found[1])
    cpu = 1000 * (after - before) / (ended - began) / rate
    return Sample(len(times), rate, *np.percentile(times, [50, 99]).tolist(), database_cpu=cpu)


def max_clients() -> int:
    """How many clients more PostgreSQL accepts, a few left for others."""
    found = one(
        "SELECT current_setting('max_connections')::int"
        " - current_setting('superuser_reserved_connections')::int - count(*)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    return max(1, int(found) - SPARE)
