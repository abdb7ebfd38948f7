"""A plugin of coverage.py, so that a process that ends by a signal leaves its measurements.

uvicorn shuts down and then raises the signal again, which ends the process before anything that is
registered for its exit.
"""

import signal

from coverage import Coverage
from coverage.plugin_support import Plugins

raise_signal = signal.raise_signal


def save_and_raise(number: int) -> None:
    if measured := Coverage.current():
        measured.save()
    raise_signal(number)


def coverage_init(plugins: Plugins, options: dict[str, str]) -> None:
    signal.raise_signal = save_and_raise
