"""`python -m bench.growth --help`. Exit codes: 1 something is wrong, 2 missing."""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cpu, data
from bench.environment import ROOT, check, clear_redis
from bench.growth import memory, report, sizes, start
from bench.growth.apart import apart
from bench.live.services import LiveEnvironment
from bench.report import RESULTS, conditions
from bench.rounds import say
from bench.stop import MissingError, exit_code, hold_signals

PARTS = ("sizes", "memory", "start")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.growth", description="Measure cost against size.")
    add = parser.add_argument
    add("--only", choices=PARTS, action="append", help="one part; may be given again")
    add("--most", type=int, default=7, help="power of ten of messages in PostgreSQL (7)")
    add("--most-sqlite", type=int, default=6, help="the same in SQLite (6)")
    add("--users", type=int, default=4, help="power of ten of users of one chat (4)")
    add("--chats", type=int, default=5, help="power of ten of chats of one company (5)")
    add("--calls", type=int, default=400, help="of each kind at each size (400)")
    add("--requests", type=int, default=100_000, help="while memory is looked at (100000)")
    add("--starts", type=int, default=5, help="of each kind (5)")
    add("--plots", default=str(ROOT / "docs"), help="folder of growth-*.svg (docs)")
    return parser.parse_args()


def run(chosen: argparse.Namespace, environment: LiveEnvironment) -> dict[str, Any]:
    """Everything that was measured, by part."""
    wanted = chosen.only or PARTS
    load_before = os.getloadavg()[0]
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        stack.callback(clear_redis, environment)
        stack.callback(hold_signals)
        clear_redis(environment)
        with data.database(environment, keep=False) as db:
            found["conditions"] = conditions(db, load_before=load_before, **vars(chosen))
            if "start" in wanted:
                say("Starting ...")
                found["start"] = start.measure(environment, chosen.starts)
        if "memory" in wanted:
            say("Measuring memory ...")
            with data.database(environment, keep=False):
                found["memory"] = apart(memory.measure, environment, chosen.requests)
        if "sizes" in wanted:
            found["sizes"] = measure_sizes(chosen, environment)
    return found


def measure_sizes(
    chosen: argparse.Namespace, environment: LiveEnvironment
) -> dict[str, list[sizes.Point]]:
    """The points of each side."""
    file = environment.data_dir / "growth.sqlite3"
    beside = replace(environment, extra={"DATABASE_URL": f"sqlite:///{file}"})
    options = {name: getattr(chosen, name) for name in ("calls", "users", "chats")}
    say("Measuring SQLite ...")
    lite = apart(sizes.measure, beside, {**options, "messages": chosen.most_sqlite})
    say("Measuring PostgreSQL ...")
    with data.database(environment, keep=False):
        postgres = apart(sizes.measure, environment, {**options, "messages": chosen.most})
    return {"PostgreSQL": postgres, "SQLite": lite}


def measure(chosen: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder:
        environment = LiveEnvironment(Path(folder))
        os.environ.update(environment.settings())
        if not cpu.KNOWN:
            raise MissingError("Memory and processes are read from /proc: this needs Linux.")
        check(environment, {"wrk"})
        found = run(chosen, environment)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"growth-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(report.markdown(found, Path(chosen.plots)))
    say(f"Written to {path}")
    return 0


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(exit_code(lambda: measure(chosen)))
