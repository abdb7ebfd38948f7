"""How a run ends before its time."""

import signal
import sys
from collections.abc import Callable
from types import FrameType


class MissingError(Exception):
    """Something the benchmark needs is not there; the message says what to do. Exit code 2."""


class BrokenError(Exception):
    """Something answered wrongly, so that figures would mean nothing. Exit code 1."""


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def on_signals() -> None:
    """SIGTERM and a closed terminal clean up like Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def hold_signals() -> None:
    """A second Ctrl-C must not cut the cleaning-up short; each of its steps is bounded in time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def exit_code(run: Callable[[], int]) -> int:
    """That of `run`, also when it ends before its time."""
    on_signals()
    try:
        return run()
    except MissingError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped, and cleaned up.", file=sys.stderr)
        return 128 + signal.SIGINT
