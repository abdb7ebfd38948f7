"""Companies, people and chats: one chat made by the application, copied many times by SQL.

A copy takes every column from the application's row, except those named here, so a new column of a
model needs no change. The SQL is for PostgreSQL and SQLite. Django must be set up.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.actions.tokens import issue_token
from accounts.models import User
from chatapi.api import tokens
from chatapi.db.encryption import encrypt
from chatapi.tasks import analyze
from chats.actions import messages
from chats.models import Chat, ChatUser, ChatUserToken, Event, Message
from companies.models import Company, Membership, Role

# Ids are far apart, so that a number in a statement shows what it is.
PATTERN = 1  # the chat that the others are copied from
FIRST_CHAT = 10_001
DEEP_CHAT = 9_000_001
GUESTS = 10_000_000  # a chat's guest is GUESTS + the chat's id
AGENTS = 20_000_000  # and its agent AGENTS + the chat's id

UNREAD = 10  # messages at the end of each chat that the agent has not read
MAX_ROWS = 1_000_000  # written by one statement, which sorts them first
TEXT = "Good morning, the parcel of last Tuesday has not come yet, could you have a look please"


class First(NamedTuple):
    """The agent's token, and the ids of the agent's company and of another one."""

    agent: str
    company: int
    elsewhere: int


class People(NamedTuple):
    """Tokens are plain. The agent is in every chat, and has read nearly everything."""

    chats: range
    messages: int
    guests: list[tuple[int, str]]  # a chat's id and the token of its guest
    agent: str
    deep_messages: int
    deep_guest: str


def execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def one(query: str) -> Any:
    return execute(query)[0][0]


def make(chats: int, messages: int, deep_messages: int = 0) -> People:
    """Fill the empty database. There is no deep chat if it has no messages."""
    first, ids = make_first(), range(FIRST_CHAT, FIRST_CHAT + chats)
    add_chats(ids, first.company)
    add_messages(ids, 0, messages, first.company)
    deep = range(DEEP_CHAT, DEEP_CHAT + bool(deep_messages))
    # It has another company, because it must be in nobody's list of chats.
    add_chats(deep, first.elsewhere)
    add_messages(deep, 0, deep_messages, first.elsewhere)
    Chat.objects.get(pk=PATTERN).delete()
    move_last_reads()
    settle()
    deep_guest = dict(make_tokens(deep)).get(DEEP_CHAT, "")
    return People(ids, messages, make_tokens(ids), first.agent, deep_messages, deep_guest)


def make_first() -> First:
    """Migrate, and let the application create a chat with a message, the pattern."""
    connection.close()  # to a database that was there before
    call_command("migrate", verbosity=0, interactive=False)
    user = User.objects.create(email="agent@bench.test", first_name="Ada", last_name="Agent")
    company = Company.objects.create(name="Benchmark", slug="benchmark")
    elsewhere = Company.objects.create(name="Elsewhere", slug="elsewhere")
    membership = Membership.objects.create(company=company, user=user, role=Role.AGENT)
    then = timezone.now() - timedelta(days=365)
    sealed = encrypt("password of the benchmark")
    chat = Chat.objects.create(pk=PATTERN, company=company, sealed_password=sealed, created_at=then)
    joined = {"chat": chat, "created_at": then, "joined_at": then}
    gina = {"first_name": "Gina", "last_name": "Guest", "email": "gina@bench.test"}
    ada = {"first_name": "Ada", "last_name": "Agent", "email": user.email}
    ada |= {"role": ChatUser.Role.AGENT, "assurance": ChatUser.Assurance.MEMBER}
    guest = ChatUser.objects.create(**gina, **joined)
    ChatUser.objects.create(user=user, membership=membership, **ada, **joined)
    messages.send(guest, TEXT)
    return First(issue_token(user)[1], company.pk, elsewhere.pk)


def add_chats(chats: range, company: int) -> None:
    """Empty chats, each with a guest and an agent."""
    rows = {"chat": chats}
    copy(Chat, rows, id="chat", company_id=company, last_seq=0, last_message_seq=0)
    user_id = f"CASE t.role WHEN 'guest' THEN {GUESTS} ELSE {AGENTS} END + chat"
    copy(ChatUser, rows, id=user_id, chat_id="chat", last_read_seq=0)


def add_messages(chats: range, after: int, last: int, company: int) -> None:
    """Messages `after` + 1 to `last` in each of `chats`, with events, as they would come in."""
    step = max(1, MAX_ROWS // max(len(chats), 1))
    for begin in range(after, last if chats else after, step):
        rows = {"nth": range(begin + 1, min(begin + step, last) + 1), "chat": chats}
        newest = one("SELECT max(id) FROM chats_message")
        message = f"{newest + 1} + (nth - {begin + 1}) * {len(chats)} + chat - {chats[0]}"
        place = {"chat_id": "chat", "seq": "nth"}
        text, guest = "t.text || ' ' || nth", "CASE WHEN nth % 2 = 1 THEN"
        author = f"{guest} {GUESTS} ELSE {AGENTS} END + chat"
        assurance = f"{guest} t.assurance ELSE 'member' END"
        sent = {"author_id": author, "assurance": assurance, "text": text}
        copy(Message, rows, id=message, **place, **sent)
        copy(Event, rows, message_id=message, company_id=company, **place)
    set_last_seq(chats, last)


def copy(model: type[Any], rows: dict[str, range], **columns: object) -> None:
    """Copy the pattern's rows of `model` once for each combination of `rows`, in their order.

    `columns` are SQL expressions over the names of `rows` and the pattern's row `t`; every other
    column is the pattern's.
    """
    if not all(rows.values()):
        return
    meta = model._meta
    names = [field.column for field in meta.local_concrete_fields]
    assert columns.keys() <= set(names), f"{meta.db_table} has other columns by now"
    values = ", ".join(str(columns.get(name, f't."{name}"')) for name in names)
    series = "".join(
        f", (WITH RECURSIVE n(nth) AS (SELECT {numbers[0]} UNION ALL SELECT nth + 1 FROM n"
        f" WHERE nth < {numbers[-1]}) SELECT nth AS {name} FROM n) {name}"
        for name, numbers in rows.items()
    )
    # Checks of foreign keys would take most of the time; only a superuser may leave them out.
    with suppress(DatabaseError):
        execute("SET session_replication_role = replica")
    execute(
        f"INSERT INTO {meta.db_table} ({', '.join(map(connection.ops.quote_name, names))})"
        f" SELECT {values} FROM {meta.db_table} t{series}"
        f" WHERE t.{'id' if model is Chat else 'chat_id'} = {PATTERN} ORDER BY {', '.join(rows)}"
    )
    with suppress(DatabaseError):
        execute("RESET session_replication_role")


def set_last_seq(chats: range, seq: int) -> None:
    if chats:
        between = f"id BETWEEN {chats[0]} AND {chats[-1]}"
        execute(f"UPDATE chats_chat SET last_seq = {seq}, last_message_seq = {seq} WHERE {between}")


def make_tokens(chats: Iterable[int]) -> list[tuple[int, str]]:
    """A token for the guest of each of `chats`, as (chat, plain token).

    pgbench's variables hold numbers and it can't look a digest up, so each chat has a second token,
    whose digest is the chat's id in digits.
    """
    now = timezone.now()
    found = [(chat, tokens.mint(f"{ChatUserToken.PREFIX}{chat}_")) for chat in chats]
    times = {"created_at": now, "last_used_at": now, "expires_at": now + timedelta(days=30)}
    ChatUserToken.objects.bulk_create(
        ChatUserToken(chat_id=chat, chat_user_id=GUESTS + chat, digest=digest, **times)
        for chat, plain in found
        for digest in (tokens.digest(plain), str(chat).encode())
    )
    return found


def settle() -> None:
    """Do now what is done in the background: count the tables, and write out what was loaded."""
    if connection.vendor != "postgresql":
        analyze()
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    for statement in connection.ops.sequence_reset_sql(no_style(), [Chat, ChatUser, Message]):
        execute(statement)
    execute("VACUUM ANALYZE")
    with suppress(DatabaseError):  # only a superuser may
        execute("CHECKPOINT")


def move_last_reads() -> None:
    """Before each round, undo what the rounds before have moved. PostgreSQL only."""
    execute(
        "UPDATE chats_chatusertoken SET last_used_at = now() - random() * interval '60 seconds'"
    )
    execute(
        f"UPDATE chats_chatuser u SET last_read_seq = greatest(c.last_seq - {UNREAD}, 0)"
        " FROM chats_chat c WHERE c.id = u.chat_id AND u.role = 'agent'"
        f" AND u.last_read_seq <> greatest(c.last_seq - {UNREAD}, 0)"
    )


def count_messages() -> int:
    return int(one("SELECT coalesce(sum(last_seq), 0) FROM chats_chat"))


# --- A database that grows, PostgreSQL or SQLite: only the listed chats are of the agent's company

LONG, CROWD = range(2, 3), range(3, 4)
LISTED, SHORT = range(1_000_001, 8_000_000), range(8_000_001, 9_000_000)
SHORT_MESSAGES = 500
LISTED_MESSAGES = 2


def make_empty() -> First:
    """The pattern, and the chats that are sent into, without messages."""
    first = make_first()
    for chat in (LONG, CROWD, SHORT[:1]):
        add_chats(chat, first.elsewhere)
    return first


def grow_messages(size: int, company: int) -> None:
    """`size` messages in the table: half in the long chat, half in chats of 500 at most."""
    half = size // 2
    for chat, last in ((LONG, half), (SHORT[:1], min(SHORT_MESSAGES, half))):
        add_messages(chat, last_seq(chat[0]), last, company)
    grow_chats(SHORT[: half // SHORT_MESSAGES], SHORT_MESSAGES, company)


def grow_listed(size: int, company: int) -> None:
    """`size` chats of the agent's company, the pattern among them."""
    grow_chats(LISTED[: size - 1], LISTED_MESSAGES, company)


def grow_chats(chats: range, messages: int, company: int) -> None:
    """Add those of `chats` that are missing at the end."""
    if chats:
        between = f"id BETWEEN {chats[0]} AND {chats[-1]}"
        chats = chats[one(f"SELECT count(*) FROM chats_chat WHERE {between}") :]
    add_chats(chats, company)
    add_messages(chats, 0, messages, company)
    settle()


def grow_users(size: int) -> None:
    """`size` active users in the crowded chat, all of them guests, the author among them."""
    # The pattern's guest and its agent are both copied; the agents are deleted again.
    crowd, user_id = CROWD[0], f"CASE t.role WHEN 'guest' THEN {3 * GUESTS} ELSE {4 * GUESTS} END"
    have = one(f"SELECT count(*) FROM chats_chatuser WHERE chat_id = {crowd} AND role = 'guest'")
    more, email = {"nth": range(have + 1, size + 1)}, "t.role || nth || '@bench.test'"
    copy(ChatUser, more, id=f"{user_id} + nth", chat_id=crowd, email=email)
    execute(f"DELETE FROM chats_chatuser WHERE chat_id = {crowd} AND role = 'agent'")
    settle()


def take_back(chats: dict[int, int]) -> None:
    """Delete what was sent into `chats` after the seq that each is given with."""
    for chat, seq in chats.items():
        for table in ("chats_event", "chats_message"):
            execute(f"DELETE FROM {table} WHERE chat_id = {chat} AND seq > {seq}")
        set_last_seq(range(chat, chat + 1), seq)


def last_seq(chat: int) -> int:
    return int(one(f"SELECT last_seq FROM chats_chat WHERE id = {chat}"))
