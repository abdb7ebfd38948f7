"""A measurement in a process of its own: Django can be set up for one environment only."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from bench.live.services import LiveEnvironment
from bench.stop import BrokenError

Measure = Callable[[LiveEnvironment, Any], Any]


def apart(measure: Measure, environment: LiveEnvironment, options: Any) -> Any:
    """What `measure` gives where Django has that environment. Raises BrokenError as it does."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, measure, environment, options))
    process.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        raise BrokenError("A measurement failed.") from None
    except BaseException:
        process.terminate()  # it cleans up
        raise
    finally:
        process.join()
    if isinstance(found, BrokenError):
        raise found
    return found


def work(
    answer: "Connection[Any, Any]", measure: Measure, environment: LiveEnvironment, options: Any
) -> None:
    import django

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the benchmark's own process's
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.update(environment.settings())
    django.setup()
    try:
        answer.send(measure(environment, options))
    except BrokenError as error:
        answer.send(error)
