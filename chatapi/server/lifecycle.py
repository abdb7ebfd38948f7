"""End a process together with the one that started it, however that one ends."""

import os
import select
import signal
import threading
import time

PARENT_VARIABLE = "SERVED_BY"  # an environment variable with the id of the parent process


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
