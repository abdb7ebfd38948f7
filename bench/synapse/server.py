"""Synapse as one process on the same PostgreSQL, in a database of its own."""

import json
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import conninfo, sql

from bench.environment import DATABASE, Environment, free_port
from bench.installed import install
from bench.served import Served
from bench.server import stop
from bench.stop import BrokenError

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
OWN_DATABASE = f"{DATABASE}_synapse"
START_SECONDS = 60

# On as they are in service, and never reached.
NEVER = {"per_second": 1_000_000, "burst_count": 1_000_000}
LIMITS = {
    "rc_message": NEVER,
    "rc_registration": NEVER,
    "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), NEVER),
    "rc_joins": dict.fromkeys(("local", "remote"), NEVER),
    "rc_joins_per_room": NEVER,
    "rc_room_creation": NEVER,
}


@contextmanager
def synapse(environment: Environment) -> Iterator[Served]:
    """A running homeserver. Raises MissingError when it can't be installed."""
    python = install(REQUIREMENTS)
    folder = environment.data_dir / "synapse"
    folder.mkdir()
    own = replace(environment, data_dir=folder, port=free_port())
    url = urlsplit(environment.maintenance_url)._replace(path=f"/{OWN_DATABASE}").geturl()
    with database(environment, url) as db:
        # What is JSON is YAML.
        (folder / "config.yaml").write_text(json.dumps(config(own, url)))
        (folder / "log.yaml").write_text(json.dumps(LOG))
        command = [str(python), "-m", "synapse.app.homeserver", "-c", str(folder / "config.yaml")]
        log = folder / "synapse.log"
        with log.open("wb") as output:
            subprocess.run(
                [*command, "--generate-keys"], stdout=output, stderr=output, timeout=60, cwd=folder
            )
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the benchmark alone
            )
        try:
            wait_until_ready(process, own.url, log)
            yield Served(own.url, folder, process.pid, db)
        finally:
            stop(process)


LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"level": "ERROR", "handlers": ["stderr"]},
}


@contextmanager
def database(environment: Environment, url: str) -> Iterator[psycopg.Connection]:
    """An empty database with the collation that Synapse insists on, dropped at the end."""
    ours = sql.Identifier(OWN_DATABASE)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(ours)
    create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0")
    with psycopg.connect(environment.maintenance_url, autocommit=True) as maintenance:
        maintenance.execute(drop)
        maintenance.execute(create.format(ours))
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                yield connection
        finally:
            maintenance.execute(drop)


def config(own: Environment, database_url: str) -> dict[str, object]:
    folder = own.data_dir
    return {
        "server_name": "bench.test",
        "pid_file": str(folder / "pid"),
        "listeners": [
            {
                "port": own.port,
                "type": "http",
                "tls": False,
                "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"], "compress": False}],
            }
        ],
        "database": {
            "name": "psycopg2",
            "args": {**conninfo.conninfo_to_dict(database_url), "cp_min": 5, "cp_max": 10},
        },
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "macaroon_secret_key": secrets.token_urlsafe(32),
        "form_secret": secrets.token_urlsafe(32),
        "report_stats": False,
        "trusted_key_servers": [],
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        **LIMITS,
    }


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise BrokenError(f"Synapse did not start:\n{log.read_text(errors='replace')[-2000:]}")
