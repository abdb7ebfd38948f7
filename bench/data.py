"""The benchmark's database: one chat made by the application, and many copies of it by SQL.

A copy takes every column from the row that the application made, save those named here; so a
column that is added to a model needs no change in this file.
"""

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from bench.environment import DATABASE, Environment
from bench.stop import MissingError

# Ids are far apart, so that a number in a statement tells what it is.
PATTERN = 1  # the chat that the others are copied from
FIRST_CHAT = 10_001
GUESTS = 10_000_000  # a chat's guest is GUESTS + the chat's id
AGENTS = 20_000_000  # and its agent AGENTS + the chat's id
DEEP_CHAT = 9_000_001
FIRST_MESSAGE = 100_000_001
FIRST_DEEP_MESSAGE = 9_000_000_000

UNREAD = 10  # messages at the end of each chat that the agent has not read
DAYS = 365  # that the chats go back
TEXT = "Good morning, the parcel of last Tuesday has not come yet, could you have a look please"


@dataclass(frozen=True)
class Data:
    """What was made. Tokens are plain."""

    chats: range
    messages: int
    guests: list[tuple[int, str]]  # a chat's id and the token of its guest
    agent: str  # of a member who is an agent in every chat, and has read nearly everything
    watcher: str  # of a member who is in none of them
    deep_guest: str
    deep_messages: int

    def deep_places(self) -> list[int]:
        """Places all over the deep chat, the same in every run."""
        pick = random.Random(1)
        return [pick.randint(100, self.deep_messages) for _ in range(1000)]


@contextmanager
def database(environment: Environment, keep: bool) -> Iterator[psycopg.Connection]:
    """An empty database of our own, dropped at the end; gives a connection to it.

    Raises MissingError while another run has it.
    """
    ours = sql.Identifier(DATABASE)
    with psycopg.connect(environment.maintenance_url, autocommit=True) as maintenance:
        # Held as long as this connection: two runs at once would drop each other's database.
        row = maintenance.execute(
            "SELECT pg_try_advisory_lock(hashtext(%s))", [DATABASE]
        ).fetchone()
        if row is None or not row[0]:
            raise MissingError("Another run of the benchmark is going on: wait for its end.")
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(ours)
        maintenance.execute(drop)
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(ours))
        try:
            with psycopg.connect(environment.database_url, autocommit=True) as connection:
                yield connection
        finally:
            if not keep:
                maintenance.execute(drop)


def make(db: psycopg.Connection, chats: int, messages: int, deep_messages: int) -> Data:
    """Fill the empty database. Django must be set up on it. No deep chat when it has no messages.

    Messages are laid down as they would come in, a message of every chat in turn: a page of a chat
    is spread over as many blocks of the disk as it would be in service.
    """
    from django.core.management import call_command
    from django.db import connection

    from chats.models import Chat

    call_command("migrate", verbosity=0, interactive=False)
    agent, watcher, elsewhere = make_pattern()
    connection.close()

    skip_checks(db)
    ids = range(FIRST_CHAT, FIRST_CHAT + chats)
    copy_chats(db, ids, messages)
    if deep_messages:
        copy_deep_chat(db, elsewhere, deep_messages)
    db.execute("RESET session_replication_role")
    move_sequences(db)

    Chat.objects.get(pk=PATTERN).delete()
    guests = make_tokens(ids)
    deep_guest = make_tokens([DEEP_CHAT])[0][1] if deep_messages else ""
    connection.close()
    db.execute("VACUUM ANALYZE")
    checkpoint(db)
    return Data(ids, messages, guests, agent, watcher, deep_guest, deep_messages)


def make_pattern() -> tuple[str, str, int]:
    """What the copies are made from, by the application itself: a chat with a message.

    Returns the tokens of the agent and the watcher, and the id of another company.
    """
    from django.utils import timezone

    from accounts.actions.tokens import issue_token
    from accounts.models import User
    from chatapi.db.encryption import encrypt
    from chats.actions import messages
    from chats.models import Chat, ChatUser
    from companies.models import Company, Membership, Role

    agent = User.objects.create(email="agent@bench.test", first_name="Ada", last_name="Agent")
    watcher = User.objects.create(email="watcher@bench.test", first_name="Walt", last_name="Watch")
    company = Company.objects.create(name="Benchmark", slug="benchmark")
    membership = Membership.objects.create(company=company, user=agent, role=Role.AGENT)
    Membership.objects.create(company=company, user=watcher, role=Role.AGENT)
    # The deep chat has a company of its own: it must stand in nobody's list of chats.
    elsewhere = Company.objects.create(name="Elsewhere", slug="elsewhere")

    then = timezone.now() - timedelta(days=DAYS)
    chat = Chat.objects.create(
        pk=PATTERN,
        company=company,
        sealed_password=encrypt("password of the benchmark"),
        created_at=then,
    )
    guest = ChatUser.objects.create(
        chat=chat,
        email="gina@bench.test",
        first_name="Gina",
        last_name="Guest",
        created_at=then,
        joined_at=then,
    )
    ChatUser.objects.create(
        chat=chat,
        email=agent.email,
        first_name=agent.first_name,
        last_name=agent.last_name,
        role=ChatUser.Role.AGENT,
        assurance=ChatUser.Assurance.MEMBER,
        user=agent,
        membership=membership,
        created_at=then,
        joined_at=then,
    )
    messages.send(guest, TEXT)
    return issue_token(agent)[1], issue_token(watcher)[1], elsewhere.pk


def skip_checks(db: psycopg.Connection) -> None:
    """Leave out the checks of foreign keys while copying, if we may: they take most of the time."""
    with suppress(psycopg.errors.InsufficientPrivilege):
        db.execute("SET session_replication_role = replica")


def copy_chats(db: psycopg.Connection, ids: range, messages: int) -> None:
    """The chats, each with a guest, an agent and as many messages with their events."""
    from chats.models import Chat, ChatUser, Event, Message

    chat = f"generate_series({ids[0]}, {ids[-1]}) chat"
    every = f"generate_series(1, {messages}) nth, {chat}"
    message_id = f"{FIRST_MESSAGE} + (nth - 1)::bigint * {len(ids)} + chat - {ids[0]}"
    copy(
        db, Chat, chat,
        id="chat",
        name="'Chat ' || chat",
        last_seq=str(messages),
        last_message_seq=str(messages),
    )  # fmt: skip
    copy(
        db, ChatUser, chat,
        id=f"CASE t.role WHEN 'guest' THEN {GUESTS} ELSE {AGENTS} END + chat",
        chat_id="chat",
        last_read_seq=str(max(messages - UNREAD, 0)),
    )  # fmt: skip
    copy(
        db, Message, every,
        id=message_id,
        chat_id="chat",
        seq="nth",
        author_id=f"CASE WHEN nth % 2 = 1 THEN {GUESTS} ELSE {AGENTS} END + chat",
        assurance="CASE WHEN nth % 2 = 1 THEN t.assurance ELSE 'member' END",
        text="t.text || ' ' || nth",
        created_at=at(messages),
    )  # fmt: skip
    copy(
        db, Event, every,
        chat_id="chat",
        seq="nth",
        message_id=message_id,
        created_at=at(messages),
    )  # fmt: skip


def copy_deep_chat(db: psycopg.Connection, company_id: int, messages: int) -> None:
    """One chat with very many messages, all by its guest. Its log is not needed."""
    from chats.models import Chat, ChatUser, Message

    one = f"generate_series({DEEP_CHAT}, {DEEP_CHAT}) chat"
    copy(
        db, Chat, one,
        id="chat",
        company_id=str(company_id),
        last_seq=str(messages),
        last_message_seq=str(messages),
    )  # fmt: skip
    copy(
        db, ChatUser, one,
        id=f"CASE t.role WHEN 'guest' THEN {GUESTS} ELSE {AGENTS} END + chat",
        chat_id="chat",
        last_read_seq=str(messages),
    )  # fmt: skip
    copy(
        db, Message, f"generate_series(1, {messages}) nth",
        id=f"{FIRST_DEEP_MESSAGE} + nth",
        chat_id=str(DEEP_CHAT),
        seq="nth",
        author_id=str(GUESTS + DEEP_CHAT),
        text="t.text || ' ' || nth",
        created_at=at(messages),
    )  # fmt: skip


def at(messages: int) -> str:
    """When a message was sent: they are spread evenly over DAYS, the last one just now."""
    return f"t.created_at - interval '{DAYS} days' * (1 - nth / {messages}.0)"


def copy(db: psycopg.Connection, model: type[Any], series: str, **columns: str) -> None:
    """Copy the pattern's rows of `model` once for each row of `series`, in its order.

    `columns` are SQL expressions over the series and the pattern's row `t`; every other column is
    the pattern's.
    """
    meta = model._meta
    own = "id" if meta.model_name == "chat" else "chat_id"
    names = [field.column for field in meta.local_concrete_fields]
    assert columns.keys() <= set(names), f"{meta.db_table} has other columns by now"
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    order = ", ".join(word for word in ("nth", "chat") if re.search(rf"\) {word}\b", series))
    db.execute(
        f"INSERT INTO {meta.db_table} ({quoted}) SELECT {values}"
        f" FROM {meta.db_table} t, {series} WHERE t.{own} = {PATTERN} ORDER BY {order}"
    )


def move_sequences(db: psycopg.Connection) -> None:
    """Go on after the ids that were given by hand."""
    for table in ("chats_chat", "chats_chatuser", "chats_message"):
        db.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        )


def make_tokens(chats: Iterable[int]) -> list[tuple[int, str]]:
    """A token for the guest of each of `chats`, as (chat, plain token).

    pgbench's variables hold numbers and it can't look a digest up: for each chat there is a second
    token, nobody's, whose digest is the chat's id in digits.
    """
    from django.utils import timezone

    from chatapi.api import tokens
    from chats.models import ChatUserToken

    now = timezone.now()
    found = [(chat, tokens.mint(f"{ChatUserToken.PREFIX}{chat}_")) for chat in chats]
    ChatUserToken.objects.bulk_create(
        ChatUserToken(
            chat_id=chat,
            chat_user_id=GUESTS + chat,
            digest=digest,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=30),
        )
        for chat, plain in found
        for digest in (tokens.digest(plain), str(chat).encode())
    )
    return found


def checkpoint(db: psycopg.Connection) -> None:
    """Write out what was loaded now, if we may, rather than while it is measured."""
    with suppress(psycopg.errors.InsufficientPrivilege):
        db.execute("CHECKPOINT")


def settle(db: psycopg.Connection) -> None:
    """Before each round, what the rounds before have moved.

    The last uses of the tokens are spread over the past minute, as under a load that lasts: each is
    written once a minute, and not all of them in the round's first second. The agent has read all
    but the last UNREAD messages, as many as before the sends.
    """
    db.execute(
        "UPDATE chats_chatusertoken SET last_used_at = now() - random() * interval '60 seconds'"
    )
    db.execute(
        "UPDATE chats_chatuser SET last_read_seq = chats_chat.last_seq - %s FROM chats_chat"
        " WHERE chats_chat.id = chats_chatuser.chat_id AND chats_chatuser.role = 'agent'"
        " AND chats_chatuser.last_read_seq <> chats_chat.last_seq - %s",
        [UNREAD, UNREAD],
    )


def count_messages(db: psycopg.Connection) -> int:
    row = db.execute("SELECT sum(last_seq) FROM chats_chat").fetchone()
    assert row is not None
    return int(row[0] or 0)


def broken_logs(db: psycopg.Connection, data: Data) -> int:
    """How many chats have a log with a gap, or not as many events as they count."""
    row = db.execute(
        "SELECT count(*) FROM chats_chat c JOIN ("
        " SELECT chat_id, count(*) AS events, max(seq) AS newest FROM chats_event GROUP BY chat_id"
        ") e ON e.chat_id = c.id"
        " WHERE c.id BETWEEN %s AND %s AND (c.last_seq <> e.events OR c.last_seq <> e.newest)",
        [data.chats[0], data.chats[-1]],
    ).fetchone()
    assert row is not None
    return int(row[0])
