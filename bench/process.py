"""Helper processes, and how a run ends before its time."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager


class MissingError(Exception):
    """Something that the benchmark needs is missing; the message says what to do. Exit code 2."""


class BrokenError(Exception):
    """Something was answered wrongly, so figures would mean nothing. Exit code 1."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def helper(**settings: str) -> Iterator[Executor]:
    """A process that runs what is submitted to it, one after the other; with Django."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, begin, (settings,)) as executor:
        try:
            yield executor
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def begin(settings: dict[str, str]) -> None:
    # Ctrl-C reaches all processes of the terminal, but only the benchmark ends its helpers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    import django

    os.environ.update(settings)
    django.setup()
