"""`make bench`, or `python -m bench --help`. Exit codes: 1 something is wrong, 2 missing."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from bench import cpu, data, limit, rounds
from bench.cases import BESIDE, SYNAPSE, TITLES, Bench, Case
from bench.environment import DATABASE, Environment, check, clear_redis
from bench.goals import goals_table
from bench.report import Report, conditions, conditions_text
from bench.rounds import say
from bench.served import Served
from bench.server import gunicorn
from bench.stop import BrokenError, MissingError, exit_code, hold_signals

NAMES = (
    "send", "list15", "list100", "chats", "chats-watched", "chat-user", "events", "mix", "deep",
)  # fmt: skip
USUAL = [name for name in NAMES if name != "chats-watched"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service under load.")
    add = parser.add_argument
    add("--seconds", type=positive, default=3, help="of a round (3)")
    add("--rounds", type=positive, default=3, help="of every operation, in turn (3)")
    add("--connections", type=numbers, default=[16, 128], help="at once (16,128)")
    add("--chats", type=positive, default=1000, help="(1000)")
    add("--messages", type=positive, default=500, help="in each chat (500)")
    add("--deep-messages", type=positive, default=1_000_000, help="in the long chat (1000000)")
    add("--only", type=names, default=USUAL, help=f"some of {','.join(NAMES)} (not chats-watched)")
    add("--beside", type=sides, default=list(BESIDE), help=f"some of {','.join(BESIDE)}, or none")
    add("--keep", action="store_true", help="leave the database for a look")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def numbers(text: str) -> list[int]:
    return sorted({positive(word) for word in text.split(",")})


def names(text: str) -> list[str]:
    return some(text, NAMES, "operation")


def sides(text: str) -> list[str]:
    return [] if text == "none" else some(text, BESIDE, "side")


def some(text: str, known: tuple[str, ...], what: str) -> list[str]:
    """Those of `known` that a list with commas names, in their own order."""
    chosen = set(text.split(","))
    if unknown := chosen - set(known):
        raise argparse.ArgumentTypeError(f"no such {what}: {', '.join(sorted(unknown))}")
    return [name for name in known if name in chosen]


def run(chosen: argparse.Namespace, environment: Environment) -> Report:
    # That of the minute before tells whether somebody else is at work.
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with ExitStack() as stack:
        db = stack.enter_context(data.database(environment, chosen.keep))
        # Whatever ends the run, it is cleaned up after: the servers first, the database last.
        stack.callback(clear_redis, environment)
        stack.callback(hold_signals)
        clear_redis(environment)
        deeply = "deep" in chosen.only
        say(f"Making {chosen.chats:,} chats of {chosen.messages:,} messages ...")
        found = data.make(db, chosen.chats, chosen.messages, chosen.deep_messages if deeply else 0)
        bench = Bench(environment, db, found, chosen.only)
        say("Starting gunicorn ...")
        master = stack.enter_context(gunicorn(environment))
        stack.callback(hold_signals)
        served = bench.served(master, environment)
        report = Report(measured_under(chosen, db, load_before), chosen.connections)
        if chosen.only != ["deep"]:
            cases = [*bench.service(served), *beside(bench, chosen.beside, stack, report)]
            # At last, when it is known how many connections PostgreSQL has left.
            cases += limits(bench, served, report)
            say("Measuring ...")
            rounds.measure(cases, report, db, chosen.rounds, chosen.seconds)
            rounds.check_logs(report, db, found)
        if deeply:
            say(f"Measuring a chat of {chosen.deep_messages:,} messages ...")
            rounds.measure_deep(served, found, report, chosen.rounds, chosen.seconds)
    rounds.check_answers(report)
    return report


def beside(bench: Bench, sides: list[str], stack: ExitStack, report: Report) -> list[Case]:
    """The cases of the other sides. One that can't be had is noted, and done without."""
    found: list[Case] = []
    for side in sides:
        say(f"Starting {TITLES[side]} ...")
        try:
            found += stack.enter_context(bench.beside(side))
        except (MissingError, BrokenError, psycopg.Error) as error:
            if side != SYNAPSE:
                raise
            report.notes.append(f"Synapse could not be measured: {error}")
            say(report.notes[-1])
        else:
            stack.callback(hold_signals)
    return found


def limits(bench: Bench, served: Served, report: Report) -> list[Case]:
    """pgbench's cases."""
    found = []
    for case, script in bench.limits(served):
        found.append(case)
        report.scripts[case.operation] = script
    most = limit.most_clients(bench.db)
    if found and most < max(report.connections):
        report.notes.append(
            f"pgbench had about {most} connections at most: PostgreSQL's max_connections leaves no"
            " more to it."
        )
    return found


def markdown(report: Report) -> str:
    parts = [conditions_text(report.conditions)]
    if report.rows:
        parts += [report.cases_table(TITLES), goals_table(report)]
    if report.deep:
        parts.append(report.deep_table())
    parts += [f"Note: {sentence}" for sentence in report.notes]
    parts += [f"WRONG: {sentence}" for sentence in report.wrong]
    return "\n\n".join(filter(None, parts))


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


def measure(chosen: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder:
        environment = Environment(Path(folder))
        os.environ.update(environment.settings())
        check(environment, {"wrk"} if chosen.only == ["deep"] else {"wrk", "pgbench"})
        import django

        django.setup()
        report = run(chosen, environment)
    path = report.write()
    print(markdown(report))
    if not cpu.KNOWN:
        print("\nProcessor times are read on Linux only.")
    if chosen.keep:
        print(f"\nThe database {DATABASE} was kept.")
    say(f"Written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(exit_code(lambda: measure(chosen)))
