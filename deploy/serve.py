"""Run the processes of the Procfile until one of them ends, or until `make run` does.

All of them get the same environment. (`honcho start` would give each a different PORT, and so links
to a port that no process serves.)
"""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from chatapi.server.lifecycle import PARENT_VARIABLE, wait_for_exit

ROOT = Path(__file__).resolve().parent.parent


def stop(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def end_with(parent: int) -> None:
    wait_for_exit(parent)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # A closed terminal ends everything, unless `nohup` says otherwise.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)
    manager = Manager(Printer(sys.stdout))
    environment = os.environ | {PARENT_VARIABLE: str(os.getpid())}
    procfile = parse_procfile((ROOT / "Procfile").read_text())
    for name, command in procfile.processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(ROOT))
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    manager.loop()
    sys.exit(manager.returncode)
