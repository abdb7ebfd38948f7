"""How a limit is written: `100/s`, `120/m`, `5/h`."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"^\s*(\d{1,9})\s*/\s*([smh])\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` a `period` (seconds); `burst` of them may come at once after a quiet time."""

    count: int
    period: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `N/s`, `N/m` or `N/h`; a rate per second allows two seconds' worth at once.

        Raises ValueError for anything else, for 0, and for more than 100,000 a second.
        """
        match = _FORM.match(text)
        if match is None:
            raise ValueError(text)
        count, period = int(match[1]), _SECONDS[match[2]]
        if not 0 < count <= 100_000 * period:
            raise ValueError(text)
        return cls(count, period, count * 2 if period == 1 else count)

    def multiplied(self, times: int) -> "Rate":
        """This rate, so many times over."""
        return Rate(self.count * times, self.period, self.burst * times)

    @property
    def interval(self) -> float:
        """Seconds in which one call's worth flows back."""
        return self.period / self.count

    def pause(self, most: int = 60) -> "Rate":
        """One call at a time, `most` seconds apart, or less where this rate allows more."""
        return Rate(1, max(1, min(most, self.period // self.count)), 1)
