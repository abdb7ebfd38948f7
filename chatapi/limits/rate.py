"""The notation of rate limits: `100/s`, `120/m`, `5/h`."""

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"^\s*(\d{1,9})\s*/\s*([smh])\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` calls in `period` seconds, of which up to `burst` may come at once."""

    count: int
    period: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Parse `N/s`, `N/m` or `N/h`. A rate per second allows two seconds' worth at once.

        Raises ValueError for anything else, for 0, and for more than 100,000 a second.
        """
        match = _PATTERN.match(text)
        if match is None:
            raise ValueError(text)
        count, period = int(match[1]), _SECONDS[match[2]]
        if not 0 < count <= 100_000 * period:
            raise ValueError(text)
        return cls(count, period, count * 2 if period == 1 else count)

    def multiplied(self, times: int) -> "Rate":
        """This rate, multiplied by `times`."""
        return Rate(self.count * times, self.period, self.burst * times)

    @property
    def interval(self) -> float:
        """Seconds until one more call is allowed."""
        return self.period / self.count

    def pause(self, max_seconds: int = 60) -> "Rate":
        """The rate of single calls, `max_seconds` apart or less if this rate allows more."""
        return Rate(1, max(1, min(max_seconds, self.period // self.count)), 1)
