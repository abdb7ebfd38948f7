"""`make bench`, or `python -m bench --help`. Exit codes: 1 something is wrong, 2 missing."""

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg

from bench import cpu, data, deep, limit, load, server
from bench.environment import DATABASE, Environment, check, clear_redis
from bench.operations import Operation, deep_operations, operations, verify
from bench.report import Measured, Report, conditions
from bench.stop import BrokenError, MissingError, hold_signals, on_signals

NAMES = ("send", "list15", "list100", "chats", "chats-watched", "chat-user", "events", "deep")
WARM_UP = 2  # seconds


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service under load.")
    add = parser.add_argument
    add("--seconds", type=positive, default=5, help="of a round (5)")
    add("--rounds", type=positive, default=3, help="of every operation, in turn (3)")
    add("--connections", type=positive, default=16, help="at once (16)")
    add("--chats", type=positive, default=1000, help="(1000)")
    add("--messages", type=positive, default=500, help="in each chat (500)")
    add("--deep-messages", type=positive, default=1_000_000, help="in the long chat (1000000)")
    add("--only", type=names, default=list(NAMES), help=f"some of {','.join(NAMES)}")
    add("--keep", action="store_true", help="leave the database for a look")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def names(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(NAMES):
        raise argparse.ArgumentTypeError(f"no such operation: {', '.join(sorted(unknown))}")
    return chosen


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """A run against a service that answers."""

    def __init__(
        self, chosen: argparse.Namespace, environment: Environment, db: psycopg.Connection
    ) -> None:
        self.chosen = chosen
        self.environment = environment
        self.db = db
        self.master = 0

    def load(self, operation: Operation, seconds: int, connections: int) -> load.Sample:
        """One round by wrk, with the processor time of both sides."""
        data.settle(self.db)
        web, database = cpu.web(self.master), cpu.backends(self.db)
        sample = load.run(
            operation, self.environment.url, self.environment.data_dir, seconds, connections
        )
        each = 1000 / max(sample.requests, 1)
        web_after, database_after = cpu.web(self.master), cpu.backends(self.db)
        return replace(
            sample,
            web_cpu=None if web is None or web_after is None else (web_after - web) * each,
            database_cpu=None
            if database is None or database_after is None
            else (database_after - database) * each,
        )

    def service(self, found: data.Data, report: Report) -> None:
        """Every operation and its limit in turn, so that a noisy minute meets all of them."""
        chosen, base = self.chosen, self.environment.url
        wanted = [each for each in operations(found) if each.name in chosen.only]
        for operation in wanted:
            say(f"  warming up: {operation.name}")
            verify(operation, base)
            report.service[operation.name] = Measured(operation.title)
            if operation.limited:
                data.settle(self.db)
                report.scripts[operation.name] = limit.script(operation, found, self.db, base)
                report.limits[operation.name] = Measured(f"{operation.title}, by pgbench")
            self.load(operation, WARM_UP, chosen.connections)
        before = data.count_messages(self.db)
        for number in range(1, chosen.rounds + 1):
            for operation in wanted:
                sample = self.load(operation, chosen.seconds, chosen.connections)
                report.service[operation.name].samples.append(sample)
                say(f"  round {number}: {operation.name} {sample.rate:,.0f}/s")
                if operation.name in report.scripts:
                    data.settle(self.db)
                    script = report.scripts[operation.name]
                    sample = limit.run(script, self.environment, chosen.seconds, chosen.connections)
                    report.limits[operation.name].samples.append(sample)
                    say(f"  round {number}: {operation.name} by pgbench {sample.rate:,.0f}/s")
        if "send" in report.service:
            self.check_sends(found, report, data.count_messages(self.db) - before)

    def check_sends(self, found: data.Data, report: Report, written: int) -> None:
        """What was answered is written; what was under way at a round's end may be, too."""
        measured = (report.service["send"], report.limits["send"])
        answered = sum(sample.requests for each in measured for sample in each.samples)
        spare = 2 * self.chosen.rounds * self.chosen.connections
        if not answered - report.service["send"].failed <= written <= answered + spare:
            report.wrong.append(f"{answered} sends were answered and {written} are written.")
        if broken := data.broken_logs(self.db, found):
            report.wrong.append(f"{broken} chats have a log with gaps.")

    def deep(self, found: data.Data, report: Report) -> None:
        """Pages of the long chat over one connection, so that a time is a page's own."""
        wanted = deep_operations(found)
        for operation in wanted:
            say(f"  warming up: {operation.name}")
            verify(operation, self.environment.url)
            report.deep[operation.name] = Measured(operation.title)
            report.plans[operation.name] = deep.explain(operation, self.db, self.environment.url)
            self.load(operation, 1, 1)
        for number in range(1, self.chosen.rounds + 1):
            for operation in wanted:
                sample = self.load(operation, min(3, self.chosen.seconds), 1)
                report.deep[operation.name].samples.append(sample)
                say(f"  round {number}: {operation.name} {sample.p50:.2f} ms")


def run(chosen: argparse.Namespace, environment: Environment) -> Report:
    # That of the minute before tells whether somebody else is at work.
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with ExitStack() as stack:
        db = stack.enter_context(data.database(environment, chosen.keep))
        # Whatever ends the run, it is cleaned up after: the server first, the database last.
        stack.callback(clear_redis, environment)
        stack.callback(hold_signals)
        clear_redis(environment)
        deeply = "deep" in chosen.only
        say(f"Making {chosen.chats:,} chats of {chosen.messages:,} messages ...")
        found = data.make(db, chosen.chats, chosen.messages, chosen.deep_messages if deeply else 0)
        bench = Bench(chosen, environment, db)
        say("Starting gunicorn ...")
        bench.master = stack.enter_context(server.gunicorn(environment))
        stack.callback(hold_signals)
        report = Report(measured_under(chosen, db, load_before))
        if chosen.only != ["deep"]:
            say("Measuring ...")
            bench.service(found, report)
        if deeply:
            say(f"Measuring a chat of {chosen.deep_messages:,} messages ...")
            bench.deep(found, report)
    for name, measured in {**report.service, **report.deep}.items():
        if measured.failed:
            report.wrong.append(f"{measured.failed} requests of {name} failed.")
        if not any(sample.requests for sample in measured.samples):
            report.wrong.append(f"No request of {name} was answered.")
    return report


def measured_under(
    chosen: argparse.Namespace, db: psycopg.Connection, load_before: float | None
) -> dict[str, object]:
    from django.conf import settings

    return conditions(
        db,
        load_before=load_before,
        web_concurrency=settings.WEB_CONCURRENCY,
        web_threads=settings.WEB_THREADS,
        **{name: value for name, value in vars(chosen).items() if name != "keep"},
    )


def main() -> int:
    chosen = arguments()
    on_signals()
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder:
        environment = Environment(Path(folder))
        os.environ.update(environment.settings())
        try:
            check(environment, {"wrk"} if chosen.only == ["deep"] else {"wrk", "pgbench"})
            import django

            django.setup()
            report = run(chosen, environment)
        except MissingError as error:
            say(str(error))
            return 2
        except BrokenError as error:
            say(str(error))
            return 1
        except KeyboardInterrupt:
            say("Stopped, and cleaned up.")
            return 128 + signal.SIGINT
    path = report.write()
    print(report.markdown())
    if not cpu.KNOWN:
        print("\nProcessor times are read on Linux only.")
    if chosen.keep:
        print(f"\nThe database {DATABASE} was kept.")
    say(f"Written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
