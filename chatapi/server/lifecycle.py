"""Let a process end together with the one that started it, however that one ends."""

import os
import select
import signal
import threading
import time

TETHER = "SERVED_BY"  # environment variable with the id of the process to end with


def wait_for_end(pid: int) -> None:
    """Return when process `pid` has ended."""
    try:
        if hasattr(os, "pidfd_open"):
            select.select([os.pidfd_open(pid)], [], [])
            return
        while True:  # macOS has no pidfd
            os.kill(pid, 0)
            time.sleep(1)
    except ProcessLookupError:
        return


def hold() -> None:
    """Send this process SIGTERM as soon as the process named by `TETHER` has ended."""
    pid = os.environ.get(TETHER, "")
    if pid.isdigit():
        threading.Thread(target=stop_after, args=(int(pid),), daemon=True).start()


def stop_after(pid: int) -> None:
    wait_for_end(pid)
    os.kill(os.getpid(), signal.SIGTERM)
