"""What a round came to: sends and deliveries put together."""

import time
from collections import Counter
from dataclasses import dataclass
from itertools import repeat

from bench.live.processors import Used, used
from bench.live.receivers import Deliveries, Receivers
from bench.live.senders import Order, Senders, Sent
from bench.live.services import Side

DRAIN_SECONDS = 40  # in which what was sent must come in


@dataclass
class Round:
    """Milliseconds, and numbers of deliveries.

    A time is from the answer to the send until the event is complete at a listener: 0 when the
    event was faster than the answer. `asked_p99` is from the moment the send was asked for.
    """

    side: str
    streams: int
    offered: float  # sends/s
    sent: float  # sends/s that were answered
    failed: dict[str, int]
    delivered: int
    per_second: float  # deliveries while it was being sent
    p50: float | None
    p99: float | None
    worst: float | None
    asked_p99: float | None
    missing: int
    doubled: int
    counts: dict[str, int]  # streams that were cut off or refused
    cpu: Used | None  # shares of one processor, while it was being sent

    @property
    def wrong(self) -> list[str]:
        found = {**self.failed, "missing": self.missing, "doubled": self.doubled}
        return [f"{number} {what}" for what, number in found.items() if number]

    @property
    def cut(self) -> list[str]:
        return [f"{number} {what}" for what, number in self.counts.items()]


def percentile(values: list[int], share: float) -> float | None:
    """Of sorted nanoseconds, in milliseconds."""
    return values[min(int(len(values) * share), len(values) - 1)] / 1e6 if values else None


def play(side: Side, receivers: Receivers, senders: Senders, order: Order) -> Round:
    """One round with the streams that are open."""
    receivers.take(side.heads)  # what came in before
    pids = side.streams.process.pid, receivers.process.pid or 0
    before, began = used(*pids), time.monotonic()
    senders.start(order)
    sent = senders.result()
    after, took = used(*pids), time.monotonic() - began
    note_heads(side, sent)
    receivers.wait(side.heads, DRAIN_SECONDS)
    got = receivers.take(side.heads)
    side.streams.check()
    side.web.check()
    return put_together(
        side, receivers.chats, order, sent, got, before and after and after.since(before, took)
    )


def note_heads(side: Side, sent: Sent) -> None:
    for chat, seq in zip(sent.chats, sent.seqs, strict=True):
        side.heads[chat] = max(side.heads.get(chat, 0), seq)


def times_of(sent: Sent) -> dict[tuple[int, int], tuple[int, int]]:
    """By chat and seq: when a message was asked for and answered."""
    keys = zip(sent.chats, sent.seqs, strict=True)
    return dict(zip(keys, zip(sent.began, sent.answered, strict=True), strict=True))


def put_together(
    side: Side, chats: list[int], order: Order, sent: Sent, got: Deliveries, cpu: Used | None
) -> Round:
    known, nothing = times_of(sent), (0, 0)
    start = min(sent.began, default=0)
    end = start + order.seconds * 1e9
    answered, asked = [], []
    for stream, seq, at in zip(got.streams, got.seqs, got.times, strict=True):
        began, done = known.get((chats[stream], seq), nothing)
        if done:
            answered.append(max(at - done, 0))
            asked.append(at - began)
    within = sum(map(int.__le__, got.times, repeat(round(end))))
    answered.sort()
    asked.sort()
    return Round(
        side=side.name,
        streams=len(chats),
        offered=order.rate,
        sent=len(sent.seqs) / order.seconds,
        failed=dict(sent.failed),
        delivered=len(got.seqs),
        per_second=within / order.seconds,
        p50=percentile(answered, 0.5),
        p99=percentile(answered, 0.99),
        worst=percentile(answered, 1),
        asked_p99=percentile(asked, 0.99),
        missing=got.missing,
        doubled=got.doubled,
        counts=dict(Counter(got.counts)),
        cpu=cpu,
    )
