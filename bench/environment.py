"""What the benchmark runs against, and the settings of the service while it is measured."""

import os
import secrets
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from bench.stop import MissingError

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "chatapi_bench"
REDIS_PREFIX = "chatapi-bench:"

# On, and counted in Redis like in production, but never reached.
LIMITS = {f"LIMIT_{name}": "100000/s" for name in ("READ", "WRITE", "SEND")}

TOOLS = {
    "wrk": (("wrk", "-v"), "Debian's package wrk"),
    "pgbench": (("pgbench", "--version"), "Debian's package postgresql"),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Environment:
    """Where everything is. `maintenance_url` is a database that exists; ours is made beside it."""

    data_dir: Path
    maintenance_url: str = field(
        default_factory=lambda: os.environ.get(
            "BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"
        )
    )
    redis_url: str = field(
        default_factory=lambda: os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")
    )
    port: int = field(default_factory=free_port)
    settings_module: str = "chatapi.settings"

    @property
    def database_url(self) -> str:
        return urlsplit(self.maintenance_url)._replace(path=f"/{DATABASE}").geturl()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """The service's settings. WEB_CONCURRENCY and WEB_THREADS stay the caller's."""
        return {
            "DJANGO_SETTINGS_MODULE": self.settings_module,
            "ENV_FILE": os.devnull,
            "DEBUG": "false",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "CHAT_PASSWORD_KEYS": secrets.token_urlsafe(32),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "REDIS_PREFIX": REDIS_PREFIX,
            "CELERY_BROKER_URL": self.redis_url,
            "EMAIL_URL": "dummymail://",
            "DATA_DIR": str(self.data_dir),
            "LOG_LEVEL": "WARNING",
            **LIMITS,
        }


def check(environment: Environment, tools: set[str]) -> None:
    """Raise MissingError with one sentence when something is not there."""
    # Debian's /usr/bin/pgbench is a wrapper that may find nothing behind it: run it.
    absent = [name for name in sorted(tools) if not version(*TOOLS[name][0])]
    if absent:
        packages = " and ".join(TOOLS[name][1] for name in absent)
        raise MissingError(f"Not there: {' and '.join(absent)}. Install {packages}.")
    try:
        psycopg.connect(environment.maintenance_url, connect_timeout=5).close()
    except psycopg.Error as error:
        raise MissingError(
            "PostgreSQL does not answer: start one (Debian's package postgresql), or say where"
            f" it is by BENCH_DATABASE_URL ({' '.join(str(error).split())})."
        ) from None
    try:
        redis.Redis.from_url(environment.redis_url, socket_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise MissingError(
            "Redis does not answer: start one (Debian's package redis-server), or say where it"
            f" is by BENCH_REDIS_URL ({error})."
        ) from None


def version(*command: str) -> str:
    """The first line that a tool says of itself, empty when it can't be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = (done.stdout or done.stderr).strip()
    # wrk answers `-v` with its version and the exit code of a wrong usage.
    good = done.returncode == 0 or said.startswith("wrk ")
    return said.splitlines()[0] if good and said else ""


def clear_redis(environment: Environment) -> None:
    """Remove every key under the benchmark's prefix."""
    client = redis.Redis.from_url(environment.redis_url, socket_timeout=5)
    batch: list[bytes] = []
    for key in client.scan_iter(match=f"{REDIS_PREFIX}*", count=1000):
        batch.append(key)
        if len(batch) == 1000:
            client.delete(*batch)
            batch.clear()
    if batch:
        client.delete(*batch)
