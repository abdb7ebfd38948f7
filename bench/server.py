"""The service as the Procfile starts it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.environment import ROOT, Environment
from bench.stop import BrokenError

START_SECONDS = 30
STOP_SECONDS = 15


@contextmanager
def gunicorn(environment: Environment) -> Iterator[int]:
    """A running service; gives the process id of gunicorn's master."""
    environment.data_dir.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py",
        "chatapi.asgi:application",
    ]  # fmt: skip
    log = environment.data_dir / "gunicorn.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the benchmark alone, which then stops the server.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment.settings()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, environment)
        yield process.pid
        if process.poll() is not None:
            raise BrokenError(f"gunicorn ended in the middle:\n{tail(environment)}")
    finally:
        stop(process)


def wait_until_ready(process: "subprocess.Popen[bytes]", environment: Environment) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{environment.url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise BrokenError(f"gunicorn did not start:\n{tail(environment)}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The group is this server's own session.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)


def tail(environment: Environment) -> str:
    return (environment.data_dir / "gunicorn.log").read_text(errors="replace")[-3000:]
