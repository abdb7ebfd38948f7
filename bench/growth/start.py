"""How long it takes until somebody is answered; to a tenth of a second."""

import os
import signal
import statistics
import sys
import time
import urllib.request
from dataclasses import replace

from bench import cpu
from bench.environment import free_port
from bench.live.services import LiveEnvironment, Server, gunicorn

STOP_SECONDS = 20


def measure(environment: LiveEnvironment, times: int) -> list[tuple[str, float]]:
    """Medians in seconds, each with what it is of."""
    first, *later = (make_run(environment) for _ in range(times + 1))
    servers, workers = zip(*(web_process(environment) for _ in range(times)), strict=True)
    return [
        ("`make run`, the first: it makes the database", first),
        ("`make run`, later", statistics.median(later)),
        ("gunicorn with one worker", statistics.median(servers)),
        ("a worker in the place of one that was killed", statistics.median(workers)),
    ]


def make_run(environment: LiveEnvironment) -> float:
    """Seconds of `make run` on its defaults, SQLite and no Redis; its packages are installed."""
    folder = environment.data_dir / "run"
    embedded = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/chatapi.sqlite3",
        "REDIS_URL": "",
        "CELERY_BROKER_URL": "filesystem://localhost",
    }
    own = replace(environment, data_dir=folder, port=free_port(), extra=embedded)
    server = Server(own, ["make", "run", f"PYTHON={sys.executable}"])
    started = time.monotonic()
    with server:
        took = time.monotonic() - started
        # honcho, below make, ends those that it started, each in a session of its own.
        below = cpu.tree(server.process.pid)
        os.killpg(server.process.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(map(cpu.fields, below)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return took


def web_process(environment: LiveEnvironment) -> tuple[float, float]:
    """Seconds until gunicorn with one worker answers, and until another worker does so.

    The one before was killed: a request waits in the listening socket meanwhile.
    """
    server = gunicorn(environment, "start")
    started = time.monotonic()
    with server:
        first = time.monotonic() - started
        for pid in cpu.tree(server.process.pid)[1:]:
            os.kill(pid, signal.SIGKILL)
        started = time.monotonic()
        urllib.request.urlopen(f"{server.environment.url}/healthz", timeout=60).close()
        return first, time.monotonic() - started
