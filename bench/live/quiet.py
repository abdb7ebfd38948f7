"""One stream, and nothing happens: what it asks of the database.

PostgreSQL tells when each connection's last statement began, and counts a database's connections
and transactions; that needs no extension and no restart. Statements that follow each other faster
than we look are seen as one, but none is seen as none. We look from another database, so that
looking is not counted.
"""

import time

import psycopg

from bench.environment import DATABASE
from bench.live.receivers import Receivers
from bench.live.report import NONE, Report
from bench.live.services import Side

NAME = "Quiet: what one stream costs the database"
LOOK_SECONDS = 0.25
SETTLE_SECONDS = 12  # an idle connection hands its counts in after ten
COUNTS = (
    "SELECT xact_commit + xact_rollback, sessions FROM pg_stat_database WHERE datname = %s",
    "SELECT pid, query_start, query FROM pg_stat_activity WHERE datname = %s"
    " AND backend_type = 'client backend'",
)


def run(side: Side, report: Report, maintenance_url: str, seconds: int) -> None:
    with psycopg.connect(maintenance_url, autocommit=True) as db, Receivers() as receivers:
        receivers.open(side.streams.port, side.wanted(1, 1))
        time.sleep(SETTLE_SECONDS)
        transactions, sessions = db.execute(COUNTS[0], [DATABASE]).fetchone() or (0, 0)
        before = last_statements(db)
        seen = set(before)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
            seen |= last_statements(db)
        after = db.execute(COUNTS[0], [DATABASE]).fetchone() or (0, 0)
        got = receivers.take({})
        receivers.close()
    new = seen - before
    report.add(
        NAME, "statements that began", len(new), 0, NONE,
        f"or more; looked every {LOOK_SECONDS} s for {seconds} s",
    )  # fmt: skip
    report.add(
        NAME,
        "transactions",
        after[0] - transactions,
        0,
        None,
        "autovacuum's too; those of the last ten seconds may not",
    )
    report.add(NAME, "connections opened", after[1] - sessions, 0, NONE)
    report.add(NAME, "comments received", got.comments, 0)
    for text in sorted({query for _, _, query in new})[:5]:
        report.notes.append(f"{NAME}: `{' '.join(text.split())[:300]}`")
    if got.counts:
        report.wrong.append(f"{NAME}: the stream was lost: {dict(got.counts)}.")


def last_statements(db: psycopg.Connection) -> set[tuple[int, object, str]]:
    """The last statement of each connection to the service's database."""
    return set(db.execute(COUNTS[1], [DATABASE]).fetchall())
