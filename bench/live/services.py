"""The processes that are measured: a stream process and a web process, started and killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from bench import cpu
from bench.environment import ROOT, Environment, free_port
from bench.server import stop, tail, wait_until_ready
from bench.stop import BrokenError, hold_signals

# The limits and caps are on and counted as in production, and never reached.
LIVE = {
    "LIMIT_STREAM": "100000/s",
    **{f"STREAMS_PER_{of}": "20000" for of in ("TOKEN", "ADDRESS", "PROCESS")},
}
SHARED = ("SECRET_KEY", "CHAT_PASSWORD_KEYS", "DATA_DIR")


@dataclass(frozen=True)
class LiveEnvironment(Environment):
    """One server's settings; with the secrets of the run, which all its processes share."""

    workers: int = 1
    extra: dict[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        shared = {name: os.environ[name] for name in SHARED if name in os.environ}
        workers = {"WEB_CONCURRENCY": str(self.workers)}
        return {**super().settings(), **shared, **LIVE, **workers, **self.extra}


class Server:
    """A server that can be killed and started again on its port."""

    def __init__(self, environment: Environment, command: Sequence[str]) -> None:
        self.environment, self.command = environment, command
        environment.data_dir.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            hold_signals()  # a second Ctrl-C must not leave it running
        stop(self.process)

    @property
    def port(self) -> int:
        return self.environment.port

    def start(self) -> None:
        with (self.environment.data_dir / "gunicorn.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment.settings()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the benchmark alone
            )
        try:
            wait_until_ready(self.process, self.environment)
        except BaseException:
            stop(self.process)
            raise

    def kill(self) -> None:
        """At once, without a word to anybody."""
        os.killpg(self.process.pid, signal.SIGKILL)  # the session that it was started with
        self.process.wait(5)

    def check(self) -> None:
        if self.process.poll() is not None:
            raise BrokenError(f"A server ended in the middle:\n{tail(self.environment)}")

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return cpu.web(self.process.pid) or 0.0

    def memory(self) -> int:
        """Resident bytes, of all its processes."""
        return 1024 * sum(status(pid, "VmRSS") for pid in cpu.tree(self.process.pid))

    def threads(self) -> int:
        return sum(status(pid, "Threads") for pid in cpu.tree(self.process.pid))


def status(pid: int, name: str) -> int:
    """A number that /proc tells of a process; 0 when it has gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) if found else 0


def gunicorn(environment: LiveEnvironment, name: str, workers: int = 1) -> Server:
    """The command of the Procfile's `web` line on a port of its own."""
    own = replace(
        environment, data_dir=environment.data_dir / name, port=free_port(), workers=workers
    )
    command = [
        sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py",
        "chatapi.asgi:application",
    ]  # fmt: skip
    return Server(own, command)


@dataclass
class Side:
    """Ours or another's: who serves the streams, who takes the sends, and what was sent so far."""

    name: str
    streams: Server
    web: Server
    guests: list[tuple[int, str]]
    heads: dict[int, int]  # by chat: the seq of its newest event
    ours: bool = False

    def wanted(self, chats: int, each: int) -> list[tuple[int, str, int]]:
        """`each` streams for each of the first `chats`, from now on."""
        return [
            (chat, token, self.heads.get(chat, 0))
            for _ in range(each)
            for chat, token in self.guests[:chats]
        ]
