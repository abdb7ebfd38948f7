"""Processes of the benchmark's own, asked over a pipe."""

import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self

from bench.stop import BrokenError, hold_signals

Main = Callable[[Connection], None]


class Child:
    """A process that runs `main(pipe)`; it answers each command with one value.

    An answer that is an exception is raised here.
    """

    def __init__(self, main: Main) -> None:
        context = get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=begin, args=(main, there), daemon=True)
        self.process.start()
        there.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            hold_signals()  # a second Ctrl-C must not cut the cleaning-up short
        self.pipe.close()  # which ends it
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5)

    def tell(self, *command: Any) -> None:
        try:
            self.pipe.send(command)
        except OSError:
            raise BrokenError("A process of the benchmark has ended.") from None

    def answer(self, seconds: float) -> Any:
        try:
            if not self.pipe.poll(seconds):
                raise BrokenError(f"A process of the benchmark was silent for {seconds:.0f} s.")
            value = self.pipe.recv()
        except (EOFError, OSError):
            raise BrokenError("A process of the benchmark has ended.") from None
        if isinstance(value, Exception):
            raise BrokenError(f"A process of the benchmark failed: {value!r}")
        return value

    def ask(self, *command: Any, seconds: float = 60) -> Any:
        self.tell(*command)
        return self.answer(seconds)


def begin(main: Main, pipe: Connection) -> None:
    # Ctrl-C reaches the benchmark alone, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):  # the benchmark has ended
        main(pipe)
