"""Processor time that processes have used, out of /proc. None where there is no such thing."""

import os
from collections import defaultdict
from pathlib import Path

import psycopg

PROC = Path("/proc")
KNOWN = (PROC / "self" / "stat").exists()


def fields(pid: int) -> list[str]:
    """What /proc tells of a process after its name; empty when it has gone."""
    try:
        # The name stands in parentheses and may hold anything.
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def seconds(pid: int) -> float:
    """Used by a process and by those of its children that have ended."""
    known = fields(pid)
    return sum(map(int, known[11:15])) / os.sysconf("SC_CLK_TCK") if known else 0.0


def tree(root: int) -> list[int]:
    """`root` and all below it."""
    children = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (known := fields(int(entry.name))):
            children[int(known[1])].append(int(entry.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def web(master: int) -> float | None:
    """Seconds used by gunicorn, all of it."""
    return sum(map(seconds, tree(master))) if KNOWN else None


def backends(db: psycopg.Connection) -> float | None:
    """Seconds used by PostgreSQL's processes for this database's other connections.

    None when PostgreSQL runs where its processes can't be seen. A connection that ended took its
    time along, so this is for clients that stay connected.
    """
    if not KNOWN:
        return None
    found = db.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchall()
    for (pid,) in found:
        try:
            name = (PROC / str(pid) / "comm").read_text()
        except OSError:
            return None
        if "postgres" not in name:
            return None
    return sum(seconds(pid) for (pid,) in found)
