"""`python -m bench.live --help`. Exit codes: 1 something was lost or is wrong, 2 missing."""

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import cpu, data
from bench.environment import check, clear_redis
from bench.live import beside, chats, fanout, idle, quiet, storm
from bench.live.report import Report
from bench.live.services import LiveEnvironment, Side, gunicorn
from bench.report import conditions
from bench.stop import MissingError, exit_code, hold_signals

NAMES = ("fanout", "idle", "chats", "storm", "quiet")
ORDER = ("quiet", "idle", "fanout", "chats", "storm")
SEPARATE = 100  # file descriptors that a process needs besides its streams


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.live", description="Measure the event streams.")
    add = parser.add_argument
    add("--only", type=some_of(NAMES), default=list(NAMES), help=f"some of {','.join(NAMES)}")
    add(
        "--beside", type=some_of((*beside.TITLES, "none")), default=list(beside.TITLES),
        help="some of Channels' layers pubsub,lists, or none",
    )  # fmt: skip
    add("--web", type=int, default=1, help="web processes (1)")
    add("--seconds", type=int, default=15, help="of a round at one rate (15)")
    add("--step-seconds", type=int, default=3, help="of a round of the ceiling (3)")
    add("--streams", type=int, default=1000, help="in one chat (1000)")
    add("--rate", type=float, default=20, help="sends/s to the one chat (20)")
    add("--idle", type=int, default=10_000, help="idle streams (10000)")
    add("--idle-seconds", type=int, default=60, help="(60)")
    add("--chats", type=int, default=2000, help="with two streams each (2000)")
    add("--chats-rate", type=float, default=200, help="sends/s to all of them (200)")
    add("--storm", type=int, default=5000, help="streams that are cut off (5000)")
    add("--storm-rate", type=float, default=50, help="sends/s meanwhile (50)")
    add("--storm-seconds", type=int, default=15, help="of sending after it (15)")
    add("--quiet-seconds", type=int, default=60, help="(60)")
    add("--keep", action="store_true", help="leave the database for a look")
    return parser.parse_args()


def some_of(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := set(chosen) - set(names):
            raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
        return [each for each in chosen if each != "none"]

    return read


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def raise_limits(chosen: argparse.Namespace) -> None:
    """As many open files as we may, for every process that is started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if "idle" in chosen.only and not cpu.KNOWN:
        raise MissingError("Memory and processor time are read from /proc: leave idle out.")
    needed = SEPARATE + max(chosen.idle, chosen.storm, 2 * chosen.chats, chosen.streams)
    if most != resource.RLIM_INFINITY and most < needed:
        raise MissingError(f"A process may open {most} files: fewer streams, or raise `ulimit -n`.")


def measure_ours(
    chosen: argparse.Namespace, environment: LiveEnvironment, found: data.Data, report: Report
) -> float:
    """Every scenario in turn, each with a fresh stream process; returns the ceiling."""
    most = 0.0
    heads = dict.fromkeys(found.chats, found.messages)
    with gunicorn(environment, "web", chosen.web) as web:
        for name in sorted(chosen.only, key=ORDER.index):
            say(f"  {name} ...")
            with gunicorn(environment, "streams") as streams:
                side = Side("Chat API", streams, web, found.guests, heads, ours=True)
                if name == "quiet":
                    quiet.run(side, report, environment.maintenance_url, chosen.quiet_seconds)
                elif name == "idle":
                    idle.run(side, report, chosen.idle, len(found.chats), chosen.idle_seconds)
                elif name == "storm":
                    storm.run(side, report, chosen.storm, chosen.storm_rate, chosen.storm_seconds)
                else:
                    most = measure_either(name, chosen, side, report) or most
    return most


def measure_either(
    name: str, chosen: argparse.Namespace, side: Side, report: Report
) -> float | None:
    """What is measured of Channels too; returns the ceiling of the fan-out."""
    if name == "fanout":
        return fanout.run(
            side, report, chosen.streams, chosen.rate, chosen.seconds, chosen.step_seconds
        )
    seconds = chosen.seconds if side.ours else min(5, chosen.seconds)
    chats.run(side, report, chosen.chats, chosen.chats_rate, seconds)
    return None


def run(chosen: argparse.Namespace, environment: LiveEnvironment) -> Report:
    load_before = os.getloadavg()[0]
    shared = [name for name in ("fanout", "chats") if name in chosen.only]
    layers = chosen.beside if shared else []
    python = beside.install() if layers else Path()
    with ExitStack() as stack:
        db = stack.enter_context(data.database(environment, chosen.keep))
        stack.callback(clear_redis, environment)
        stack.callback(hold_signals)
        clear_redis(environment)
        count = max(chosen.chats, chosen.storm // 2, idle.WARM)
        say(f"Making {count:,} chats ...")
        found = data.make(db, count, data.UNREAD, 0)
        report = Report(conditions(db, load_before=load_before, **vars(chosen)), say=say)
        say("Measuring the Chat API ...")
        ours = measure_ours(chosen, environment, found, report)
        if broken := data.broken_logs(db, found):
            report.wrong.append(f"{broken} chats have a log with gaps.")
        others = {}
        for layer in layers:
            say(f"Measuring {beside.TITLES[layer]} ...")
            with beside.channels(environment, layer, python) as side:
                for name in shared:
                    ceiling = measure_either(name, chosen, side, report)
                    if ceiling is not None:
                        others[side.name] = ceiling
        if "fanout" in chosen.only:
            fanout.compare(report, ours, others)
    return report


def measure(chosen: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder:
        environment = LiveEnvironment(Path(folder))
        os.environ.update(environment.settings())
        raise_limits(chosen)
        check(environment, set())
        import django

        django.setup()
        report = run(chosen, environment)
    path = report.write()
    print(report.markdown())
    say(f"Written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(exit_code(lambda: measure(chosen)))
