"""Many streams in one process, and nothing happens."""

import time

from bench.live.receivers import Receivers
from bench.live.report import NONE, Goal, Report
from bench.live.services import Side

NAME = "Idle: many streams in one process"
WARM = 100  # streams, after which everything is imported
COMMENT_SECONDS = 15
MEMORY = Goal(20)
CPU = Goal(5)


def run(side: Side, report: Report, streams: int, chats: int, seconds: int) -> None:
    server = side.streams
    with Receivers() as receivers:
        receivers.open(server.port, side.wanted(WARM, 1))
        receivers.close()
        time.sleep(1)
        before, threads = server.memory(), server.threads()
        started = time.monotonic()
        receivers.open(server.port, side.wanted(chats, -(-streams // chats))[:streams])
        took = time.monotonic() - started
        opened = server.memory()
        receivers.take({})
        time.sleep(2)
        used, threads_opened = server.cpu(), server.threads()
        time.sleep(seconds)
        used = server.cpu() - used
        memory, threads_after = server.memory(), server.threads()
        got = receivers.take({})
        server.check()
        receivers.close()
    each = (max(memory, opened) - before) / streams / 1024
    name, ours = side.name, side.ours
    changed = max(abs(threads_opened - threads), abs(threads_after - threads))
    report.add(NAME, f"{name}: streams", streams, 0, None, f"opened in {took:.0f} s")
    report.add(
        NAME, f"{name}: resident KiB a stream", each, 1, MEMORY if ours else None,
        f"{before / 2**20:.0f} MiB before, {opened / 2**20:.0f} opened, {memory / 2**20:.0f} after",
    )  # fmt: skip
    report.add(
        NAME, f"{name}: CPU, % of a processor", 100 * used / seconds, 1, CPU if ours else None,
        f"over {seconds} s",
    )  # fmt: skip
    report.add(
        NAME, f"{name}: threads more or less", changed, 0, NONE if ours else None,
        f"{threads} before, {threads_after} after",
    )  # fmt: skip
    report.add(NAME, f"{name}: comments a stream", got.comments / streams, 1)
    if not ours:
        return
    if got.counts:
        report.wrong.append(f"{NAME}: {dict(got.counts)}.")
    if got.comments < streams * (seconds // COMMENT_SECONDS - 1):
        report.wrong.append(f"{NAME}: {got.comments} comments, less than one in 15 s a stream.")
