"""A database that grows: `bench.data`'s copies of one chat, in SQL of PostgreSQL and of SQLite.

All but the listed chats are of another company, and the short ones are newer than the listed ones:
a list of chats must not be quick only because its chats are the newest of all.
"""

import sqlite3
from typing import Any, cast

import psycopg

from bench import data

Database = psycopg.Connection | sqlite3.Connection  # in autocommit mode

LONG, CROWD, FIRST_LISTED, FIRST_SHORT = 2, 3, 1_000_001, 8_000_001
SHORT_MESSAGES = 500
LISTED_MESSAGES = 2
MOST_ROWS = 1_000_000  # written by one statement, which sorts them first


def make_first(db: Database) -> tuple[str, int, int]:
    """Migrate, and make the pattern, and the chats that are sent into, empty.

    Returns the token of the agent of all listed chats, the id of the others' company and of theirs.
    """
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    agent, _, elsewhere = data.make_pattern()
    if isinstance(db, psycopg.Connection):
        data.skip_checks(db)
    for chat in (LONG, CROWD, FIRST_SHORT):
        add_chats(db, range(chat, chat + 1), elsewhere)
    company = one(db, f"SELECT company_id FROM chats_chat WHERE id = {data.PATTERN}")
    return agent, elsewhere, company


def grow_messages(db: Database, company_id: int, size: int) -> None:
    """As many messages in the table: half in the long chat, half in chats of 500 at most."""
    half = size // 2
    add_messages(db, range(LONG, LONG + 1), last_seq(db, LONG), half, company_id)
    have = int(one(db, f"SELECT count(*) FROM chats_chat WHERE id >= {FIRST_SHORT}"))
    first = range(FIRST_SHORT, FIRST_SHORT + 1)
    add_messages(db, first, last_seq(db, FIRST_SHORT), min(SHORT_MESSAGES, half), company_id)
    more = range(FIRST_SHORT + have, FIRST_SHORT + half // SHORT_MESSAGES)
    add_chats(db, more, company_id)
    add_messages(db, more, 0, SHORT_MESSAGES, company_id)
    settle(db)


def grow_users(db: Database, size: int) -> None:
    """As many active users in the crowded chat, all of them guests, the author among them."""
    from chats.models import ChatUser

    # The pattern's guest and its agent are both copied; the agents go again.
    have = int(one(db, f"SELECT count(*) FROM chats_chatuser WHERE chat_id = {CROWD}"))
    copy(
        db, ChatUser, series("nth", have + 1, size),
        id=f"CASE t.role WHEN 'guest' THEN {3 * data.GUESTS} ELSE {4 * data.GUESTS} END + nth",
        chat_id=str(CROWD),
        email="t.role || nth || '@bench.test'",
    )  # fmt: skip
    db.execute(f"DELETE FROM chats_chatuser WHERE chat_id = {CROWD} AND role = 'agent'")
    settle(db)


def grow_listed(db: Database, company_id: int, size: int) -> None:
    """As many chats of the agent's company, the pattern one of them."""
    condition = f"id BETWEEN {FIRST_LISTED} AND {FIRST_SHORT - 1}"
    have = int(one(db, f"SELECT count(*) FROM chats_chat WHERE {condition}"))
    more = range(FIRST_LISTED + have, FIRST_LISTED + size - 1)
    add_chats(db, more, company_id)
    add_messages(db, more, 0, LISTED_MESSAGES, company_id)
    settle(db)


def add_chats(db: Database, chats: range, company_id: int) -> None:
    """Empty chats, each with a guest and an agent."""
    from chats.models import Chat, ChatUser

    if not chats:
        return
    rows = series("chat", chats[0], chats[-1])
    copy(
        db, Chat, rows,
        id="chat", company_id=str(company_id), last_seq="0", last_message_seq="0",
    )  # fmt: skip
    copy(
        db, ChatUser, rows,
        id=f"CASE t.role WHEN 'guest' THEN {data.GUESTS} ELSE {data.AGENTS} END + chat",
        chat_id="chat", last_read_seq="0",
    )  # fmt: skip


def add_messages(db: Database, chats: range, after: int, last: int, company_id: int) -> None:
    """The guest's messages `after` + 1 to `last` in each of `chats`, with their events.

    They are laid down in turn, a message of every chat, as they would come in.
    """
    from chats.models import Event, Message

    step = max(1, MOST_ROWS // max(len(chats), 1))
    for begin in range(after, last if chats else after, step):
        end = min(begin + step, last)
        newest = int(one(db, "SELECT max(id) FROM chats_message"))
        every = f"{series('nth', begin + 1, end)}, {series('chat', chats[0], chats[-1])}"
        place = f"{newest + 1} + (nth - {begin + 1}) * {len(chats)} + chat - {chats[0]}"
        copy(
            db, Message, every,
            id=place, chat_id="chat", seq="nth", author_id=f"{data.GUESTS} + chat",
            text="t.text || ' ' || nth",
        )  # fmt: skip
        copy(
            db, Event, every,
            chat_id="chat", seq="nth", message_id=place, company_id=str(company_id),
        )  # fmt: skip
    set_last_seq(db, chats, last)


def copy(db: Database, model: type[Any], rows: str, **columns: str) -> None:
    """`data.copy`, which asks no more of `db` than that it executes."""
    data.copy(cast(psycopg.Connection, db), model, rows, **columns)


def take_back(db: Database, chats: dict[int, int]) -> None:
    """Delete what was sent into `chats` after the seq that each is given with."""
    for chat, seq in chats.items():
        for table in ("chats_event", "chats_message"):
            db.execute(f"DELETE FROM {table} WHERE chat_id = {chat} AND seq > {seq}")
        set_last_seq(db, range(chat, chat + 1), seq)


def set_last_seq(db: Database, chats: range, seq: int) -> None:
    if chats:
        db.execute(
            f"UPDATE chats_chat SET last_seq = {seq}, last_message_seq = {seq}"
            f" WHERE id BETWEEN {chats[0]} AND {chats[-1]}"
        )


def last_seq(db: Database, chat: int) -> int:
    return int(one(db, f"SELECT last_seq FROM chats_chat WHERE id = {chat}"))


def one(db: Database, query: str) -> Any:
    (value,) = db.execute(query).fetchone() or (None,)
    return value


def series(name: str, first: int, last: int) -> str:
    """The whole numbers from `first` to `last` as a table and column `name`."""
    return (
        f"(WITH RECURSIVE n(nth) AS (SELECT {first} WHERE {first} <= {last} UNION ALL"
        f" SELECT nth + 1 FROM n WHERE nth < {last}) SELECT nth AS {name} FROM n) {name}"
    )


def settle(db: Database) -> None:
    """What is done in the background, done now: write out what was loaded, count the tables."""
    if isinstance(db, psycopg.Connection):
        data.move_sequences(db)
        db.execute("VACUUM ANALYZE")
        data.checkpoint(db)
    else:
        from chatapi.tasks import analyze

        analyze()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
