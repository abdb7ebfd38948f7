"""When a process may start, and when it must end."""

import fcntl
import os
import select
import signal
import threading
import time
from pathlib import Path

PARENT_VARIABLE = "SERVED_BY"  # an environment variable with the id of the parent process
CLAIM_SECONDS = 10  # for an earlier process to end

_claims: list[int] = []  # file descriptors, open as long as this process


def claim(path: Path) -> bool:
    """Lock a file until this process and its children have ended. False if another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(CLAIM_SECONDS * 10):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            _claims.append(descriptor)
            return True
    os.close(descriptor)
    return False


def wait_for_exit(pid: int) -> None:
    """Return when the process `pid` has ended."""
    try:
        if hasattr(os, "pidfd_open"):
            select.select([os.pidfd_open(pid)], [], [])
            return
        while True:  # macOS has no pidfd
            os.kill(pid, 0)
            time.sleep(1)
    except ProcessLookupError:
        return


def end_with_parent() -> None:
    """Send this process SIGTERM as soon as the process in `PARENT_VARIABLE` has ended."""
    pid = os.environ.get(PARENT_VARIABLE, "")
    if pid.isdigit():
        threading.Thread(target=stop_with, args=(int(pid),), daemon=True).start()


def stop_with(pid: int) -> None:
    wait_for_exit(pid)
    os.kill(os.getpid(), signal.SIGTERM)
