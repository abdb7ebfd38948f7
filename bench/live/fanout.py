"""Many streams of one chat, at one rate, and at rising rates until no more comes through."""

from bench.live.measure import Round, play
from bench.live.receivers import Receivers
from bench.live.report import NONE, Goal, Report
from bench.live.senders import Order, Senders
from bench.live.services import Side

NAME = "Fan-out: all streams in one chat"
CEILING = "Ceiling: the same at rising rates"
UP = 1.5
DOWN = 2  # such rounds take long, as what piled up must come in
STEPS = 12
SLOW = 1000  # ms at the 99th percentile: no longer live
P99 = Goal(250)
TIMES_CHANNELS = Goal(3, least=True)


def run(side: Side, report: Report, streams: int, rate: float, seconds: int, step: int) -> float:
    """Returns the most deliveries a second of any round."""
    guests = side.guests[:1]
    with Receivers() as receivers, Senders() as senders:
        receivers.open(side.streams.port, side.wanted(1, streams))
        play(side, receivers, senders, Order(side.web.port, guests, rate, 1))  # warms up
        # What can't keep up would pile up messages for a minute.
        order = Order(side.web.port, guests, rate, seconds if side.ours else step)
        played = play(side, receivers, senders, order)
        report.add_round(NAME, played, (played.wrong + played.cut) * side.ours)
        add_figures(side, report, played, streams * rate)
        rounds = [played]
        # Up from a round that went well, or down from one that did not.
        rising = followed(played)
        for _ in range(STEPS):
            rate = rate * UP if rising else rate / DOWN
            order = Order(side.web.port, guests, rate, step)
            rounds.append(play(side, receivers, senders, order))
            # A listener that can't follow is cut off and comes back: then nothing is lost either.
            report.add_round(CEILING, rounds[-1], rounds[-1].wrong * side.ours)
            if followed(rounds[-1]) != rising:
                break
        receivers.close()
    most = max(rounds, key=per_second)
    live = max(filter(followed, rounds), key=per_second, default=None)
    for measure, found in {"most deliveries/s": most, "most that came in time": live}.items():
        value = found.per_second if found else None
        report.add(CEILING, f"{side.name}: {measure}", value, note=told(found))
    return most.per_second


def per_second(played: Round) -> float:
    return played.per_second


def told(played: Round | None) -> str:
    """What else there is to know: with the process idle, the ceiling is that of the sends."""
    if played is None:
        return ""
    cpu = f"process at {played.cpu.streams:.0%}, " if played.cpu else ""
    return f"{cpu}{played.sent:.0f} of {played.offered:.0f} sends/s"


def add_figures(side: Side, report: Report, played: Round, wanted: float) -> None:
    # The last messages of a round come in just after its end.
    goals = (Goal(wanted * 0.99, least=True), P99, NONE, NONE)
    per_second, p99, missing, doubled = goals if side.ours else (None,) * 4
    name = side.name
    report.add(NAME, f"{name}: deliveries/s of {wanted:,.0f}", played.per_second, 0, per_second)
    report.add(NAME, f"{name}: p50 ms", played.p50, 1)
    report.add(NAME, f"{name}: p99 ms", played.p99, 1, p99)
    report.add(NAME, f"{name}: missing", played.missing, 0, missing)
    report.add(NAME, f"{name}: doubled or out of order", played.doubled, 0, doubled)


def followed(played: Round) -> bool:
    """Whether what was offered came through, and in time."""
    in_time = played.p99 is not None and played.p99 < SLOW
    return in_time and played.per_second >= 0.9 * played.offered * played.streams


def compare(report: Report, ours: float, others: dict[str, float]) -> None:
    if others:
        name = max(others, key=lambda each: others[each])
        ratio = ours / others[name] if others[name] else None
        report.add(CEILING, f"Chat API by {name}, the better of them", ratio, 1, TIMES_CHANNELS)
