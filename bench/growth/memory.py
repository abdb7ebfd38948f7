"""Memory of each process over very many requests."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench import cpu, data, load
from bench.environment import ROOT
from bench.live.services import LiveEnvironment, gunicorn, status
from bench.operations import operations, verify
from bench.rounds import say
from bench.server import stop
from bench.stop import BrokenError

CHATS, MESSAGES, CONNECTIONS = 100, 500, 16
MOST_SECONDS = 60  # of a round of wrk
Sample = tuple[int, dict[str, tuple[int, int]]]  # requests so far; by process RSS and PSS in KiB


def measure(environment: LiveEnvironment, requests: int) -> list[Sample]:
    """A sample at the start and one at each tenth of so many requests of the mix."""
    with psycopg.connect(environment.database_url, autocommit=True) as db:
        found = data.make(db, CHATS, MESSAGES, 0)
    (mix,) = [operation for operation in operations(found) if operation.name == "mix"]
    folder, samples, done = environment.data_dir, [], 0
    with (
        celery("worker", folder) as worker,
        celery("beat", folder) as beat,
        gunicorn(environment, "web", 2) as server,
    ):
        master, *workers = cpu.tree(server.process.pid)
        processes = {"gunicorn": master, "celery worker": worker, "celery beat": beat}
        processes |= {f"web {nth}": pid for nth, pid in enumerate(workers, 1)}
        url = server.environment.url
        verify(mix, url)
        # All is imported and connected before the first sample.
        rate = load.run(mix, url, folder, 2, CONNECTIONS).rate
        for tenth in range(11):
            while (left := requests * tenth // 10 - done) > 0:
                seconds = min(max(1, round(left / rate)), MOST_SECONDS)
                played = load.run(mix, url, folder, seconds, CONNECTIONS)
                if played.failed or not played.requests:
                    raise BrokenError(f"{played.failed} of {played.requests} requests failed.")
                done, rate = done + played.requests, played.rate
            say(f"  {done:,} requests ...")
            samples.append((done, {name: memory(name, pid) for name, pid in processes.items()}))
    return samples


def memory(name: str, pid: int) -> tuple[int, int]:
    """RSS and PSS in KiB: of PSS, a shared page is divided by those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        raise BrokenError(f"{name} ended in the middle, or can't be read.") from None
    (pss,) = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return status(pid, "VmRSS"), pss


@contextmanager
def celery(name: str, folder: Path) -> Iterator[int]:
    """A process of the Procfile that is Celery's; gives its id."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    with (folder / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(lines[name])],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process.pid
    finally:
        stop(process)
