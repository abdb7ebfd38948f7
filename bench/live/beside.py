"""Django Channels beside us: installed into an environment of its own, and started."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from bench.environment import free_port
from bench.live.services import LiveEnvironment, Server, Side
from bench.stop import MissingError

PROJECT = Path(__file__).resolve().parent / "channels_project"
SAME = ("Django", "redis", "uvicorn", "uvloop", "httptools")
TITLES = {"pubsub": "Channels, pub/sub layer", "lists": "Channels, list layer"}


def install() -> Path:
    """The Python of an environment with Channels, made once for each set of versions."""
    wanted = [
        line
        for line in (PROJECT / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ] + [f"{name}=={version(name)}" for name in SAME]
    key = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "chatapi-bench" / key
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                *wanted,
            ],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise MissingError(
                    "Django Channels could not be installed; do without it by --beside none:\n"
                    + done.stderr[-1000:]
                )
        (folder / "complete").touch()
    return python


@contextmanager
def channels(environment: LiveEnvironment, layer: str, python: Path) -> Iterator[Side]:
    """The same two processes as ours: one for the streams, one that takes the sends."""
    with ExitStack() as stack:
        servers = []
        for role in ("streams", "web"):
            own = replace(
                environment,
                data_dir=environment.data_dir / f"channels-{layer}-{role}",
                port=free_port(),
                extra={"DJANGO_SETTINGS_MODULE": "project_settings", "LAYER": layer},
            )
            server = Server(own, [
                str(python), "-m", "uvicorn", "--app-dir", str(PROJECT), "app:application",
                "--port", str(own.port), "--loop", "uvloop", "--http", "httptools",
                "--lifespan", "off", "--no-access-log", "--log-level", "warning",
                "--backlog", "2048",
            ])  # fmt: skip
            server.start()
            # Thousands of consumers take long to end, and nothing is asked of them any more.
            stack.callback(server.kill)
            servers.append(server)
        guests = [(chat, "") for chat in range(1, 10_001)]
        streams, web = servers
        yield Side(TITLES[layer], streams, web, guests, heads={})
