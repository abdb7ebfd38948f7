"""Who used the processors during a round. Where there is no /proc, nobody is known to."""

import os
from dataclasses import dataclass
from pathlib import Path

from bench import cpu


@dataclass(frozen=True)
class Used:
    """Seconds of processor time so far, or in a round; or shares of one processor.

    `machine` is of all processes, others' too; `stolen` is what a virtual machine was not given.
    """

    streams: float
    listeners: float
    machine: float
    stolen: float

    def since(self, before: "Used", seconds: float) -> "Used":
        """As shares of one processor."""
        return Used(*(
            (getattr(self, name) - getattr(before, name)) / seconds
            for name in ("streams", "listeners", "machine", "stolen")
        ))  # fmt: skip

    def text(self) -> str:
        return " / ".join(f"{share:.0%}" for share in (self.streams, self.listeners, self.machine))


def used(streams: int, listeners: int) -> Used | None:
    """By the processes of these ids and those below them."""
    if not cpu.KNOWN:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    user, nice, system, _, _, irq, soft, stolen, *_ = (
        int(each) / ticks for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return Used(
        cpu.web(streams) or 0.0, cpu.seconds(listeners), user + nice + system + irq + soft, stolen
    )
