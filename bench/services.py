"""The database, Redis and servers that are measured: started, watched and stopped."""

import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import redis

from bench.process import BrokenError, MissingError

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "chatapi_bench"
MAINTENANCE_URL = os.environ.get(
    "BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"
)
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")
REDIS_PREFIX = "chatapi-bench:"
# One client for all: to make one takes longer than a request.
web = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
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
        with suppress(httpx.TransportError):
            return web.get(self.url + self.ready).is_success
        return False

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


def backends_cpu(maintenance: psycopg.Connection, database: str) -> float | None:
    """Seconds used by PostgreSQL's processes for the connections to a database.

    None when PostgreSQL runs where its processes can't be seen. A connection that ended took its
    time along, so this is for clients that stay connected.
    """
    found = maintenance.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
        [database],
    ).fetchall()
    try:
        processes = [psutil.Process(pid) for (pid,) in found]
        if not all("postgres" in each.name() for each in processes):
            return None
    except psutil.NoSuchProcess:
        return None
    return sum(map(cpu_seconds, processes))


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


def install(requirements: Path, *more: str) -> str:
    """The Python of an environment with these packages, made once for each set of versions."""
    lines = requirements.read_text().splitlines()
    wanted = [*(line for line in lines if line and not line.startswith("#")), *more]
    key = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "chatapi-bench" / key
    python, complete = str(folder / "bin" / "python"), folder / "complete"
    if not complete.exists():
        make = [sys.executable, "-m", "venv", "--clear", str(folder)]
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        try:
            for command in (make, pip):
                subprocess.run(command, check=True, stdout=sys.stderr, timeout=INSTALL_SECONDS)
        except subprocess.SubprocessError as error:
            raise MissingError(f"{wanted[0]} could not be installed: {error}") from None
        complete.touch()
    return python
