"""The database, Redis, servers and helpers of a run: started, watched and stopped."""

import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from math import nan
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

import django
import psutil
import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "chatapi_bench"
MAINTENANCE_URL = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1/postgres")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")
REDIS_PREFIX = "chatapi-bench:"
START_SECONDS = 60
STOP_SECONDS = 15
INSTALL_SECONDS = 240

# All servers of a run have the same keys, in helper processes too.
KEYS = {
    name: os.environ.get(name) or secrets.token_urlsafe(50)
    for name in ("SECRET_KEY", "CHAT_PASSWORD_KEYS")
}
# Limits are counted in Redis as in production, but never reached.
LIMITS = {
    **{f"LIMIT_{name}": "100000/s" for name in ("READ", "WRITE", "SEND", "STREAM", "SEARCH")},
    **{f"STREAMS_PER_{of}": "20000" for of in ("TOKEN", "ADDRESS", "PROCESS")},
}


class MissingError(Exception):
    """Something that the benchmark needs is missing; the message says what to do. Exit code 2."""


class BrokenError(Exception):
    """Something was answered wrongly, so figures would mean nothing. Exit code 1."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(name: str) -> str:
    return urlsplit(MAINTENANCE_URL)._replace(path=f"/{name}").geturl()


def settings(folder: str, port: int) -> dict[str, str]:
    """The service's settings. WEB_CONCURRENCY and WEB_THREADS stay the caller's."""
    return {
        "DJANGO_SETTINGS_MODULE": "chatapi.settings",
        "ENV_FILE": os.devnull,
        "DEBUG": "false",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database_url(DATABASE),
        "REDIS_URL": REDIS_URL,
        "REDIS_PREFIX": REDIS_PREFIX,
        "CELERY_BROKER_URL": REDIS_URL,
        "EMAIL_URL": "dummymail://",
        "DATA_DIR": folder,
        "LOG_LEVEL": "WARNING",
        **KEYS,
        **LIMITS,
    }


class Server:
    """A command with settings. It can be killed and started again on its port."""

    def __init__(
        self, command: Sequence[str], ready: str = "/readyz", port: int = 0, **extra: str
    ) -> None:
        self.command, self.ready, self.port = command, ready, port or free_port()
        self.folder, self.url = tempfile.mkdtemp(), f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, **settings(self.folder, self.port), **extra}
        self.log = Path(self.folder) / "server.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = psutil.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the benchmark alone
            )
        deadline = time.monotonic() + START_SECONDS
        try:
            while self.ready and not self.answers():
                self.check(time.monotonic() < deadline)
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise

    def answers(self) -> bool:
        with suppress(OSError), urlopen(self.url + self.ready, timeout=60):
            return True
        return False

    def http(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def stop(self) -> None:
        """Ask it to end, then end whatever it has left."""
        if self.process.poll() is None:
            below = self.tree()
            os.killpg(self.process.pid, signal.SIGTERM)  # the session that it was started with
            for process in psutil.wait_procs(below, STOP_SECONDS)[1]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def check(self, in_time: bool = True) -> None:
        if self.process.poll() is not None or not in_time:
            log = self.log.read_text(errors="replace")[-3000:]
            raise BrokenError(f"A server ended, or did not start:\n{log}")

    def tree(self) -> list[Any]:
        """Its own process and all below it."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return sum(map(cpu_seconds, self.tree()))

    def memory(self) -> int:
        """Resident bytes."""
        return sum(process.memory_info().rss for process in self.tree())


def gunicorn(**extra: str) -> Server:
    return Server(procfile("web"), **extra)


def procfile(name: str) -> list[str]:
    """The command of a process."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    return [sys.executable, "-m", *lines[name].split()]


def cpu_seconds(process: psutil.Process) -> float:
    """Used by a process and by those of its children that have ended; 0 when it has gone."""
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:4])
    return 0.0


def backends_cpu(maintenance: psycopg.Connection, database: str) -> float:
    """Seconds used by PostgreSQL for the connections to a database that are open.

    nan when PostgreSQL runs where its processes can't be seen.
    """
    found = statements(maintenance, database)
    with suppress(psutil.NoSuchProcess):
        processes = [psutil.Process(pid) for pid, _, _ in found]
        if all("postgres" in each.name() for each in processes):
            return sum(map(cpu_seconds, processes))
    return nan


def statements(maintenance: psycopg.Connection, database: str) -> list[Any]:
    """The connections to a database: process, start of the last statement, and its text."""
    return maintenance.execute(
        "SELECT pid, query_start, query FROM pg_stat_activity WHERE datname = %s"
        " AND backend_type = 'client backend'",
        [database],
    ).fetchall()


def connect() -> psycopg.Connection:
    return psycopg.connect(MAINTENANCE_URL, autocommit=True, connect_timeout=5)


@contextmanager
def database(name: str = DATABASE, options: str = "", keep: bool = False) -> Iterator[None]:
    """An empty database, dropped at the end. Raises MissingError while another run has it."""
    with connect() as maintenance:
        # Held until the end of this connection: two runs would drop each other's database.
        locked = maintenance.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone()
        if locked != (True,):
            raise MissingError("Another run of the benchmark is going on: wait for its end.")
        drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
        maintenance.execute(drop)
        maintenance.execute(f'CREATE DATABASE "{name}" {options}')
        try:
            yield
        finally:
            if not keep:
                maintenance.execute(drop)


@contextmanager
def redis_keys() -> Iterator[None]:
    """Redis answers, and our keys are removed at the end."""
    client = redis.Redis.from_url(REDIS_URL, socket_timeout=5)
    client.ping()
    try:
        yield
    finally:
        for key in client.scan_iter(match=f"{REDIS_PREFIX}*", count=1000):
            client.delete(key)


def install(name: str, requirements: Path, *more: str) -> str:
    """The Python of an environment with these packages. What it has already takes seconds."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "chatapi-bench" / f"{name}-{sys.implementation.cache_tag}"
    python = str(folder / "bin" / "python")
    make = [sys.executable, "-m", "venv", str(folder)]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        for command in (make, [*pip, "-r", str(requirements), *more]):
            subprocess.run(command, check=True, stdout=sys.stderr, timeout=INSTALL_SECONDS)
    except subprocess.SubprocessError as error:
        raise MissingError(f"{name} could not be installed: {error}") from None
    return python


@contextmanager
def helper(**settings: str) -> Iterator[Executor]:
    """A process that runs what is submitted to it, one after the other; with Django."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, begin, (settings,)) as executor:
        try:
            yield executor
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def begin(settings: dict[str, str]) -> None:
    # Ctrl-C reaches all processes of the terminal, but only the benchmark ends its helpers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.update(settings)
    django.setup()
