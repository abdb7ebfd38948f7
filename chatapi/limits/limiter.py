"""Rate limits that are exact across threads, processes and machines.

Each limit is a GCRA (generic cell rate algorithm). It keeps one number for each key: the
theoretical arrival time of the next call that would be exactly on schedule. A store reads and
advances it in one step: a Lua script in Redis or, without Redis, a lock in the only web process.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from django.conf import settings

from chatapi.limits.fallback import RedisDownError, WithFallback
from chatapi.limits.memory_store import MemoryStore
from chatapi.limits.rate import Rate
from chatapi.limits.redis_store import RedisStore

SECOND = 1_000_000  # stores count in whole microseconds

# Limits on guessing secrets. While Redis is down they refuse every call: processes that each count
# for themselves would allow more guesses.
GUESSES = frozenset({"PASSWORD", "CODE_TRY", "LOGIN", "LOGIN_ACCOUNT", "USED_CODE"})


@dataclass(frozen=True, slots=True)
class Charge:
    """A call against the limit `LIMIT_{name}`, counted for `subject`, or several at once.

    `times` multiplies the limit, as for a company that is no longer new. More `calls` than the
    limit's burst are never allowed.
    """

    name: str
    subject: str
    times: int = 1
    calls: int = 1

    @property
    def rate(self) -> Rate:
        rate: Rate = settings.LIMITS[self.name]
        return rate if self.times == 1 else rate.multiplied(self.times)

    @property
    def key(self) -> str:
        # Hashed, because an address or an e-mail is personal data, and may be long.
        digest = hashlib.blake2b(self.subject.encode(), digest_size=16).hexdigest()
        return f"{settings.REDIS_PREFIX}limit:{self.name}:{digest}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of charging one or more limits; the numbers are those of the tightest one.

    `limit` is the limit's configured count, `remaining` the number of calls that may follow at
    once, `retry_after` the seconds until a call is allowed (0 if this one was).
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after: float

    @property
    def retry_after_seconds(self) -> int:
        """`retry_after` as the `Retry-After` header has it: whole seconds, at least 1."""
        return max(1, math.ceil(self.retry_after))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that every limited response carries."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
        }


class Store(Protocol):
    def take(self, keys: Sequence[str], buckets: Sequence[tuple[int, int]]) -> list[int]:
        """Take one charge from every key, or from none if one of them is exhausted.

        A bucket is (cost, burst times interval), in microseconds. Returns the slack of each
        key: the microseconds of its burst that the call leaves. If negative, the time until the
        call would be allowed.
        """

    def give_back(self, key: str, cost: int) -> None:
        """Undo one charge."""


class Limiter(WithFallback[Store]):
    """Charges limits in Redis or in memory. While Redis is down, each process counts for itself."""

    def take(self, charges: Sequence[Charge]) -> Verdict:
        """Take the calls from every limit, or from none if one of them is exhausted."""
        rates = [charge.rate for charge in charges]
        intervals = [int(rate.interval * SECOND) for rate in rates]
        keys = [charge.key for charge in charges]
        buckets = [
            (interval * charge.calls, interval * rate.burst)
            for interval, charge, rate in zip(intervals, charges, rates, strict=True)
        ]
        guess = any(charge.name in GUESSES for charge in charges)
        try:
            slacks = self.call(lambda store: store.take(keys, buckets), shared=guess)
        except RedisDownError:
            return Verdict(False, rates[0].count, 0, self.RETRY_SECONDS)
        allowed = min(slacks) >= 0
        left = [slack // interval for slack, interval in zip(slacks, intervals, strict=True)]
        tightest = min(range(len(charges)), key=lambda i: (slacks[i] >= 0, left[i]))
        return Verdict(
            allowed=allowed,
            limit=rates[tightest].count,
            remaining=min(max(left[tightest], 0), rates[tightest].count),
            retry_after=0.0 if allowed else -min(slacks) / SECOND,
        )

    def give_back(self, charge: Charge) -> None:
        """Undo a charge that should not count, as that of a correct password."""
        cost = int(charge.rate.interval * SECOND) * charge.calls
        self.call(lambda store: store.give_back(charge.key, cost))


@cache
def limiter() -> Limiter:
    return Limiter(RedisStore() if settings.REDIS_URL else None, MemoryStore())
