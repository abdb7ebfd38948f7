"""The stream process is killed: all its listeners are cut off at once and come back."""

import time

from bench.live.measure import DRAIN_SECONDS, note_heads, percentile, put_together, times_of
from bench.live.receivers import Deliveries, Receivers
from bench.live.report import NONE, Goal, Report
from bench.live.senders import Order, Senders, Sent
from bench.live.services import Side

NAME = "Storm: the stream process is killed"
SPREAD = 5  # seconds within which the listeners come back
BEFORE = 2  # seconds of sending before it
CAUGHT_UP = Goal(15)


def run(side: Side, report: Report, streams: int, rate: float, seconds: int) -> None:
    """Sends go on all the while, over HTTP to the web process, which stays."""
    chats = streams // 2
    with Receivers() as receivers, Senders() as senders:
        receivers.open(side.streams.port, side.wanted(chats, 2), SPREAD)
        receivers.take(side.heads)
        order = Order(side.web.port, side.guests[:chats], rate, BEFORE + seconds)
        senders.start(order)
        time.sleep(BEFORE)
        killed = time.monotonic_ns()
        side.streams.kill()
        side.streams.start()
        restarted = (time.monotonic_ns() - killed) / 1e9
        sent = senders.result()
        note_heads(side, sent)
        receivers.wait(side.heads, DRAIN_SECONDS)
        got = receivers.take(side.heads)
        used = side.streams.cpu()  # of the one that was started, from its start
        side.streams.check()
        receivers.close()
    played = put_together(side, receivers.chats, order, sent, got, None)
    report.rounds.setdefault(NAME, []).append(played)
    caught = caught_up(receivers.chats, sent, got)
    back = sum(at > killed for at in got.opened)
    report.add(NAME, "streams that came back", back, 0, Goal(2 * chats, least=True))
    report.add(NAME, "s until the process answered again", restarted, 1)
    opened = sorted(at - killed for at in got.opened)
    report.add(NAME, "s until half of them were answered", seconds_of(opened, 0.5), 1)
    report.add(NAME, "s until the last was answered", seconds_of(opened, 1), 1)
    caught = sorted(at - killed for at in caught)
    report.add(NAME, "s until half of them had caught up", seconds_of(caught, 0.5), 1)
    report.add(NAME, "s until all had caught up", seconds_of(caught, 1), 1, CAUGHT_UP)
    report.add(NAME, "s of processor time that it took the new process", used, 1)
    report.add(NAME, "sends/s meanwhile", played.sent, 1, None, f"{rate:.0f} asked for")
    report.add(NAME, "missing", played.missing, 0, NONE)
    report.add(NAME, "doubled or out of order", played.doubled, 0, NONE)
    counts = ", ".join(f"{number} {what}" for what, number in got.counts.items())
    report.notes.append(f"{NAME}: connections were {counts or 'never lost'}.")
    if played.missing or played.doubled or played.failed or back < 2 * chats:
        report.wrong.append(
            f"{NAME}: {played.missing} missing, {played.doubled} doubled, {back} of {2 * chats}"
            f" came back, failed sends: {played.failed}."
        )


def caught_up(chats: list[int], sent: Sent, got: Deliveries) -> list[int]:
    """By stream: when it was answered and had all that had been sent by then."""
    found, known = list(got.opened), times_of(sent)
    for stream, seq, at in zip(got.streams, got.seqs, got.times, strict=True):
        _, answered = known.get((chats[stream], seq), (0, 0))
        if answered < got.opened[stream]:
            found[stream] = max(found[stream], at)
    return found


def seconds_of(values: list[int], share: float) -> float | None:
    found = percentile(values, share)
    return None if found is None else found / 1000
