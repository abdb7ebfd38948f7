"""Processes that end with the one that started them, however that one ends."""

import os
import select
import signal
import threading
import time

TETHER = "SERVED_BY"  # the environment variable that has the id of the process to end with


def wait_for_end(pid: int) -> None:
    """Return when the process `pid` has ended."""
    try:
        if hasattr(os, "pidfd_open"):
            select.select([os.pidfd_open(pid)], [], [])
            return
        while True:  # where there is no such thing as a pidfd, on macOS
            os.kill(pid, 0)
            time.sleep(1)
    except ProcessLookupError:
        return


def hold() -> None:
    """Have this process stop as by SIGTERM when the one that `TETHER` names has ended."""
    pid = os.environ.get(TETHER, "")
    if pid.isdigit():
        threading.Thread(target=stop_after, args=(int(pid),), daemon=True).start()


def stop_after(pid: int) -> None:
    wait_for_end(pid)
    os.kill(os.getpid(), signal.SIGTERM)
