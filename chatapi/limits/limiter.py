"""Rate limits that hold exactly, across threads, processes and machines.

A limit is a GCRA: for each key one number is kept, the theoretical arrival time of the next call
that would be exactly on schedule. It is read and moved in one step, in Redis by a Lua script, and
without Redis (or while it is away) in an SQLite file of this machine.
"""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import redis
from django.conf import settings

from chatapi.bus.redis import Line
from chatapi.limits.local_file import LocalFile
from chatapi.limits.rate import Rate

logger = logging.getLogger(__name__)

T = TypeVar("T")

SECOND = 1_000_000  # all times below are whole microseconds


@dataclass(frozen=True, slots=True)
class Charge:
    """One call's worth of the limit `LIMIT_{name}` for `who`, the one it is counted for.

    `times` multiplies the limit, as for a company that has been here for a while.
    """

    name: str
    who: str
    times: int = 1

    @property
    def rate(self) -> Rate:
        rate: Rate = settings.LIMITS[self.name]
        return rate if self.times == 1 else rate.multiplied(self.times)

    @property
    def key(self) -> str:
        # Hashed: an address or an e-mail is nobody's business in Redis, and may be long.
        who = hashlib.blake2b(self.who.encode(), digest_size=16).hexdigest()
        return f"{settings.REDIS_PREFIX}limit:{self.name}:{who}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a charge; with several, of the one that leaves least.

    `limit` is the count of the limit's setting, `remaining` how many of them could follow at once,
    `retry_after` seconds until one call fits (0 when it was allowed).
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after: float

    @property
    def headers(self) -> dict[str, str]:
        """What every answer that is limited tells."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
        }


class Store(Protocol):
    def move(self, keys: Sequence[str], shapes: Sequence[tuple[int, int]]) -> list[int]:
        """Take one call off each key, or off none when one of them has none left.

        `shapes` are (interval, burst times interval) in microseconds. Returns for each key its
        slack: microseconds left of its burst after the call; below 0, how long until it fits.
        """

    def give_back(self, key: str, interval: int) -> None:
        """Undo one call."""


MOVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local slacks, arrivals, fits = {}, {}, true
for i, key in ipairs(KEYS) do
  local interval, depth = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local arrival = math.max(tonumber(redis.call('GET', key) or 0), now) + interval
  arrivals[i] = arrival
  slacks[i] = now - (arrival - depth)
  if slacks[i] < 0 then fits = false end
end
if fits then
  for i, key in ipairs(KEYS) do
    local lifetime = math.ceil((arrivals[i] - now) / 1000) + 1000
    redis.call('SET', key, string.format('%.0f', arrivals[i]), 'PX', lifetime)
  end
end
return slacks
"""

GIVE_BACK = """
local arrival = tonumber(redis.call('GET', KEYS[1]) or 0)
if arrival > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', arrival - ARGV[1]), 'KEEPTTL')
end
"""


class Script:
    """A script that Redis keeps, and is sent again when it was forgotten."""

    def __init__(self, line: Line, source: str) -> None:
        self.line = line
        self.source = source
        self.digest = hashlib.sha1(source.encode()).hexdigest()  # noqa: S324 (Redis' own name for it)

    def __call__(self, keys: Sequence[str], values: Sequence[int]) -> Any:
        try:
            return self.line.ask(("EVALSHA", self.digest, len(keys), *keys, *values))[0]
        except redis.exceptions.NoScriptError:
            return self.line.ask(("EVAL", self.source, len(keys), *keys, *values))[0]


class RedisStore:
    def __init__(self) -> None:
        line = Line()
        self._move = Script(line, MOVE)
        self._give_back = Script(line, GIVE_BACK)

    def move(self, keys: Sequence[str], shapes: Sequence[tuple[int, int]]) -> list[int]:
        slacks: list[int] = self._move(keys, [number for shape in shapes for number in shape])
        return slacks

    def give_back(self, key: str, interval: int) -> None:
        self._give_back([key], [interval])


class LocalStore:
    """The same in a file that the processes of one machine share."""

    SWEEP = 500  # one move in so many, by the clock's last digits, clears what has run out

    def __init__(self, path: Path | str) -> None:
        self._file = LocalFile(
            path,
            "CREATE TABLE IF NOT EXISTS arrivals"
            " (key TEXT PRIMARY KEY, arrival INTEGER NOT NULL) WITHOUT ROWID",
        )

    def move(self, keys: Sequence[str], shapes: Sequence[tuple[int, int]]) -> list[int]:
        with self._file.writing() as connection:
            now = _now()
            slacks, arrivals = [], []
            for key, (interval, depth) in zip(keys, shapes, strict=True):
                row = connection.execute(
                    "SELECT arrival FROM arrivals WHERE key = ?", [key]
                ).fetchone()
                arrival = max(row[0] if row else 0, now) + interval
                arrivals.append((key, arrival))
                slacks.append(now - (arrival - depth))
            if min(slacks) >= 0:
                connection.executemany("INSERT OR REPLACE INTO arrivals VALUES (?, ?)", arrivals)
            if now % self.SWEEP == 0:
                connection.execute("DELETE FROM arrivals WHERE arrival < ?", [now])
        return slacks

    def give_back(self, key: str, interval: int) -> None:
        self._file.connection.execute(
            "UPDATE arrivals SET arrival = arrival - ? WHERE key = ?", [interval, key]
        )


class Limiter:
    """Charges Redis, or the local file while Redis does not answer: limits never fail a request."""

    RETRY = 1.0  # seconds between two attempts at a Redis that is away

    def __init__(self, remote: Store | None, local: Store) -> None:
        self.remote = remote
        self.local = local
        self._away_until = 0.0

    def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all of `charges`, or none when one of them has nothing left."""
        rates = [charge.rate for charge in charges]
        intervals = [int(rate.interval * SECOND) for rate in rates]
        keys = [charge.key for charge in charges]
        shapes = [(i, i * rate.burst) for i, rate in zip(intervals, rates, strict=True)]
        try:
            slacks = self._ask(lambda store: store.move(keys, shapes))
        except sqlite3.Error as error:  # a full disk is no reason to refuse everybody
            logger.error("limits can't be kept: %s", error)
            slacks = [depth - interval for interval, depth in shapes]
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
        """Undo a charge that turned out not to count, as of a password that was right."""
        interval = int(charge.rate.interval * SECOND)
        try:
            self._ask(lambda store: store.give_back(charge.key, interval))
        except sqlite3.Error as error:
            logger.error("limits can't be kept: %s", error)

    def _ask(self, question: Callable[[Store], T]) -> T:
        if self.remote is not None and time.monotonic() >= self._away_until:
            try:
                return question(self.remote)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + self.RETRY
                logger.warning("Redis is away, limits are kept on this machine: %s", error)
        return question(self.local)


def _now() -> int:
    return time.time_ns() // 1000


@cache
def limiter() -> Limiter:
    remote = RedisStore() if settings.REDIS_URL else None
    return Limiter(remote, LocalStore(settings.DATA_DIR / "limits.sqlite3"))
