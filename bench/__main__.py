"""`python -m bench COMMAND --help`. Exit codes: 1 something is wrong, 2 something is missing."""

import argparse
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import django
import psycopg
import redis

from bench.report import Report, conditions
from bench.services import ROOT, BrokenError, MissingError, free_port, redis_keys, say, settings

TOOLS = {
    "requests": ("wrk", "pgbench"),
    "growth": ("wrk",),
    "files": ("wrk",),
    "pages": ("chromium",),
}


def some_of(names: list[str]) -> Callable[[str], list[str]]:
    """The type of an option that takes names with commas between them, or none."""

    def read(text: str) -> list[str]:
        chosen = text.split(",")
        if not set(chosen) <= {*names, "none"}:
            raise argparse.ArgumentTypeError(f"not among {', '.join(names)}")
        return [name for name in names if name in chosen]

    return read


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service.")
    commands = parser.add_subparsers(dest="command", required=True)

    def numbers(text: str) -> list[int]:
        return [int(word) for word in text.split(",")]

    def command(name: str, help: str, **lists: str) -> Callable[..., object]:
        """A sub-command with an option for each of `lists`; returns what adds more of them."""
        shown = argparse.ArgumentDefaultsHelpFormatter
        add = commands.add_parser(name, help=help, formatter_class=shown).add_argument
        for option, names in lists.items():
            known = names.split(",")
            add(f"--{option}", type=some_of(known), default=known, help="some of them, or none")
        return add

    operations = "send,list15,list100,chats,chat-user,events,mix,deep"
    add = command("requests", "requests under load", only=operations, beside="plain,floor,synapse")
    add("--seconds", type=int, default=3, help="of a round")
    add("--rounds", type=int, default=3, help="of every operation, in turn")
    add("--connections", type=numbers, default=[16, 128], help="at once")
    add("--scale", type=float, default=1, help="of the numbers of chats and messages")
    add("--keep", action="store_true", help="leave the database")
    parts = "quiet,idle,fanout,chats,storm"
    add = command("live", "event streams", only=parts, beside="pubsub,lists")
    add("--web", type=int, default=1, help="web processes")
    add("--seconds", type=int, default=15, help="of a round; others are in proportion")
    add("--scale", type=float, default=1, help="of the numbers of streams and chats")
    add = command("growth", "cost against size", only="start,memory,sizes")
    add("--most", type=int, default=7, help="power of ten of messages; one less in SQLite")
    add("--calls", type=int, default=400, help="of each kind at each size")
    add("--requests", type=int, default=100_000, help="while memory is watched")
    add("--plots", type=Path, default=ROOT / "docs", help="folder of growth-*.svg")
    add = command("files", "large files")
    add("--seconds", type=int, default=5, help="of a round of sends")
    add("--rounds", type=int, default=3, help="of everything")
    add = command("search", "searches of many messages")
    add("--messages", type=int, default=1_000_000, help="in ten times fewer chats")
    add("--calls", type=int, default=200, help="of each kind")
    add = command("pages", "a guest's page")
    add("--rounds", type=int, default=15, help="at each size")
    return parser.parse_args()


def measure(chosen: argparse.Namespace) -> int:
    # As many open files as allowed, for each process that is started from here.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for tool in TOOLS.get(chosen.command, ()):
        if not shutil.which(tool):
            raise MissingError(f"{tool} is missing.")
    with tempfile.TemporaryDirectory(prefix="chatapi-bench-") as folder, redis_keys():
        tempfile.tempdir = folder  # of servers, too
        os.environ.update(settings(folder, free_port()), TMPDIR=folder)
        report = Report([conditions(vars(chosen))])
        django.setup()
        # Imported only now, because it imports models.
        importlib.import_module(f"bench.{chosen.command}").run(chosen, report)
    print("\n\n".join([*report.parts, *(f"WRONG: {each}" for each in report.wrong)]))
    return 1 if report.wrong else 0


def main() -> int:
    chosen = arguments()
    # Clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return measure(chosen)
    except BrokenError as error:
        say(str(error))
        return 1
    except (MissingError, psycopg.OperationalError, redis.ConnectionError) as error:
        say(f"{error}\ndocs/performance.md says what is needed.")
        return 2
    except KeyboardInterrupt:
        say("Stopped, and cleaned up.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
