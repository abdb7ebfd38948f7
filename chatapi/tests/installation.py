"""A whole installation for tests: real gunicorn, worker, beat, broker and SMTP server."""

import atexit
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from aiosmtpd.controller import Controller

from chatapi.tests.console import MEASURED, ROOT, Console

BIN = Path(sys.executable).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


# Each process of the suite has ports of its own, below those that the kernel gives to clients: a
# port that is free now must be so when a server takes it.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = cycle(range(10_000 + WORKER % 10 * 2_000, 12_000 + WORKER % 10 * 2_000))


def free_port() -> int:
    while True:
        port = next(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(what: Any, seconds: float = 60) -> Any:
    """What `what()` gives, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing within {seconds} s")


class Mailbox:
    """A real SMTP server on loopback that keeps what it takes, and can be made to misbehave."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[EmailMessage] = []
        self.refusals = 0
        self.stalls = 0
        self.tried: list[bytes] = []
        self.server = Controller(self, hostname="127.0.0.1", port=self.port)
        self.server.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        import asyncio

        self.tried.append(envelope.content)
        if self.refusals:
            self.refusals -= 1
            return "451 Not now"
        if self.stalls:
            self.stalls -= 1
            await asyncio.sleep(60)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 OK"

    def code(self, number: int = 1) -> str:
        """The code in the subject of the mail that is the `number`th to come."""
        wait_for(lambda: len(self.taken) >= number)
        return str(self.taken[number - 1]["Subject"])[:6]

    def close(self) -> None:
        self.server.stop()


class Redis:
    """A Redis of a test's own, which it may take away."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


# --- Databases: migrated once, then copied for each installation ---


@cache
def migrated_database(server: str) -> str:
    """The name of a migrated database of this process, which nobody connects to."""
    name = f"chatapi_test_{secrets.token_hex(4)}"
    url = create_database(server, name, "template1")
    atexit.register(drop_database, server, name)
    migrate(DATABASE_URL=url)
    return name


def create_database(server: str, name: str, template: str) -> str:
    """The URL of a new database, a copy of `template`."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server.rpartition('/')[0]}/{name}"


def drop_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def migrated_file() -> Path:
    """A migrated file of SQLite, of this process."""
    folder = tempfile.mkdtemp(prefix="chatapi-test-")
    atexit.register(shutil.rmtree, folder)
    migrate(DATA_DIR=folder)
    return Path(folder) / "chatapi.sqlite3"


def copy_migrated_file(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    shutil.copy(migrated_file(), folder)


def migrate(**settings: str) -> None:
    with tempfile.TemporaryDirectory(prefix="chatapi-test-") as folder:
        env = MEASURED | {
            "ENV_FILE": os.devnull,
            "SECRET_KEY": secrets.token_hex(),
            "DATA_DIR": folder,
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=env | settings,
            check=True,
        )


class Installation:
    """The processes of the Procfile, with settings of their own, on a free port."""

    def __init__(self, folder: Path, *, migrated: bool = True, **settings: str) -> None:
        self.port = free_port()
        self.mailbox = Mailbox()
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.console: Console | None = None
        self.server = os.environ.get("TEST_DATABASE_URL", "")
        self.database = f"chatapi_test_{secrets.token_hex(4)}" if self.server else ""
        self.env = MEASURED | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": secrets.token_hex(),
            "DATA_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mailbox.port}",
            "MAIL_LEASE_SECONDS": "3",
            "PYTHONUNBUFFERED": "1",
            "REDIS_PREFIX": f"chatapi-test:{secrets.token_hex(4)}:",
        }
        if self.server:
            template = migrated_database(self.server) if migrated else "template1"
            self.env["DATABASE_URL"] = create_database(self.server, self.database, template)
            self.env["REDIS_URL"] = os.environ.get("TEST_REDIS_URL", "")
        elif migrated:
            copy_migrated_file(Path(self.env["DATA_DIR"]))
        self.env |= settings

    def manage(self, *arguments: str) -> str:
        """What `manage.py` prints on stdout."""
        if self.console is None or self.console.env != self.env:
            self.close_console()
            self.console = Console(self.env)
        return self.console.run(*arguments)

    def close_console(self) -> None:
        if self.console is not None:
            self.console.close()
            self.console = None

    def start(self, *names: str) -> None:
        """Start the processes of these names, as the Procfile has them."""
        for name in names:
            self.launch(name, name)
        if "web" in names:
            wait_for(self.answers)

    def start_stream(self, port: int) -> None:
        """Start a process for streams, as `stream`: the line of `web` with a port of its own."""
        self.launch("stream", "web", PORT=str(port), WEB_CONCURRENCY="1")
        wait_for(lambda: self.answers(port))

    def launch(self, name: str, line: str, **settings: str) -> None:
        lines = (ROOT / "Procfile").read_text().splitlines()
        procfile = dict(each.split(": ", 1) for each in lines)
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                procfile[line].split(),
                cwd=ROOT,
                env=self.env | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self, port: int | None = None) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}/readyz", timeout=60):
                return True
        except OSError:
            return False

    def children(self, name: str) -> list[int]:
        """The processes below one that was started, by their ids."""
        parent = self.processes[name].pid
        told = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return [int(pid) for pid, ppid in map(str.split, told) if int(ppid) == parent]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process and its children."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        process.wait(20)

    def stop(self) -> None:
        """Let the processes end by themselves: one that is killed leaves no measurements."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)

    def call(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> Answer:
        """One request with a JSON body."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {token}"} if token else {})
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, json.load(response), response.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error), error.headers)

    def demo(self) -> dict[str, str]:
        """Make the demonstration; its token and chat."""
        told = dict(
            line.strip().split("  ", 1)
            for line in self.manage("demo").splitlines()
            if line.startswith("  ")
        )
        return {key: value.strip() for key, value in told.items()}

    def close(self) -> None:
        if MEASURED:
            self.stop()
        for name in list(self.processes):
            self.kill(name)
        self.close_console()
        self.mailbox.close()
        if self.database:
            drop_database(self.server, self.database)
