"""Many chats with two streams each, and messages spread over all of them."""

from bench.live.measure import Round, play
from bench.live.receivers import Receivers
from bench.live.report import Goal, Report
from bench.live.senders import Order, Senders, by_action, by_http
from bench.live.services import Side

NAME = "Chats: two streams in each of many"
P99 = Goal(100)
REACHED = 0.98  # of the rate, for it to count as reached


def run(side: Side, report: Report, chats: int, rate: float, seconds: int) -> None:
    """Over HTTP; ours by the application's own action too, which takes less of the processors."""
    ways = {"over HTTP": by_http} | ({"by the action": by_action} if side.ours else {})
    with Receivers() as receivers:
        receivers.open(side.streams.port, side.wanted(chats, 2))
        for way, main in ways.items():
            with Senders(main) as senders:
                guests = side.guests[:chats]
                play(side, receivers, senders, Order(side.web.port, guests[::7], rate / 4, 1))
                played = play(side, receivers, senders, Order(side.web.port, guests, rate, seconds))
            played.side = f"{side.name}, {way}"
            report.add_round(NAME, played, (played.wrong + played.cut) * side.ours)
            add_figures(side, report, played)
        receivers.close()


def add_figures(side: Side, report: Report, played: Round) -> None:
    rate = Goal(played.offered * REACHED, least=True)
    report.add(NAME, f"{played.side}: sends/s", played.sent, 1, rate if side.ours else None)
    report.add(NAME, f"{played.side}: p50 ms", played.p50, 1)
    report.add(NAME, f"{played.side}: p99 ms", played.p99, 1, P99 if side.ours else None)
