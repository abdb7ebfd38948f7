"""Hints: events on their way to the streams, rendered once by the process that writes them.

Over the wire a hint is a line `CHAT PLACE CREATED_AT`, followed by the event's `event:` and `data:`
lines as a stream sends them. PLACE is

- 0 for an ephemeral event, which is in no log
- `12` for event 12 of a chat without a members' log
- `+12` for event 12 of a chat with one; the version before, which has none, reads it as 12
- `12.m4` for the same, if entry 4 of the members' log is before it
- `12m4` for entry 4 of the members' log, after event 12.

The last two are on a channel that no stream of a guest reads.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chatapi.api.encoding import dumps, instant
from chatapi.api.ids import parse_id
from chatapi.bus import publish
from chatapi.bus.messages import Message
from chats.models.events import EVENT_KINDS, Audience

MAX_PRESENT_IN = 20  # chats that the client of one stream may have open
UNSETTLED = timedelta(seconds=30)  # longer than any statement may run
CHANGES_EARLIER = tuple(
    f"event: {name}\n".encode() for name, kind in EVENT_KINDS.items() if kind.changes_earlier
)


class LogPosition(NamedTuple):
    """How far the two logs of a chat were read: `12`, or `12.m4` if there is a members' log."""

    seq: int
    member_seq: int = 0

    def __str__(self) -> str:
        return self.whole if self.member_seq else str(self.seq)

    @property
    def whole(self) -> str:
        """Both numbers, even if there is no members' log yet."""
        return f"{self.seq}.m{self.member_seq}"

    @classmethod
    def of_frame(cls, frame: bytes) -> "LogPosition":
        """The position that is the id of a frame in the stream of a chat."""
        seq, _, member_seq = frame.partition(b"\n")[0].removeprefix(b"id: ").partition(b".m")
        return cls(int(seq), int(member_seq or 0))

    @property
    def total(self) -> int:
        """The number of entries up to here, as members read both logs as one."""
        return self.seq + self.member_seq

    def number(self, audience: Audience) -> int:
        """The number of the entry here in the log that these readers read. It has no gaps."""
        return self.total if audience is Audience.MEMBERS else self.seq


class Hint(NamedTuple):
    """An event on its way to the streams. `created_at` is in the API's format.

    `member_seq` is that of the newest entry of the members' log, which is this event itself if it
    is `for_members`; None if there is one, but the hint does not say which.
    """

    chat_id: int
    seq: int
    created_at: str
    body: bytes
    member_seq: int | None = 0
    for_members: bool = False

    @classmethod
    def from_event(cls, event: dict[str, Any], member_seq: int = 0) -> "Hint":
        """The hint of an event from `representations.event`."""
        body = b"event: %b\ndata: %b\n\n" % (event["type"].encode(), dumps(event))
        of_members = event.get("member_seq")
        return cls(
            event["chat_id"],
            event.get("seq", 0),
            event["created_at"],
            body,
            member_seq if of_members is None else of_members,
            of_members is not None,
        )

    @classmethod
    def ephemeral(cls, type: str, chat_id: int, data: dict[str, Any]) -> "Hint":
        """The hint of an ephemeral event: `typing`, `presence` or `read`."""
        now = instant(datetime.now(UTC))
        return cls.from_event({"type": type, "chat_id": chat_id, "created_at": now, "data": data})

    def pack(self, *, for_everyone: bool = False) -> bytes:
        """The hint as it is published; `for_everyone`, it says nothing about the members' log."""
        if self.for_members:
            place = f"{self.seq}m{self.member_seq}"
        elif for_everyone:
            place = f"+{self.seq}" if self.member_seq else f"{self.seq}"
        else:
            place = str(self.log_position)
        return b"%d %b %b\n%b" % (
            self.chat_id,
            place.encode(),
            self.created_at.encode(),
            self.body,
        )

    @classmethod
    def unpack(cls, payload: bytes) -> "Hint":
        line, _, body = payload.partition(b"\n")
        chat_id, place, created_at = line.split(b" ")
        seq, _, member_seq = place.partition(b"m")
        return cls(
            int(chat_id),
            int(seq.rstrip(b".")),
            created_at.decode(),
            body,
            None if place.startswith(b"+") else int(member_seq or 0),
            for_members=bool(member_seq) and not seq.endswith(b"."),
        )

    @property
    def log_position(self) -> LogPosition:
        return LogPosition(self.seq, self.member_seq or 0)

    def number(self, audience: Audience) -> int | None:
        """The number of the event for these readers; None if the hint does not say it."""
        if audience is Audience.MEMBERS and self.member_seq is None:
            return None
        return self.log_position.number(audience)

    def frame(self, audience: Audience) -> bytes:
        """The event's frame in the stream of its chat. The id is how far these readers are."""
        if audience is Audience.MEMBERS:
            return b"id: %b\n%b" % (str(self.log_position).encode(), self.body)
        return b"id: %d\n%b" % (self.seq, self.body)

    @staticmethod
    def event_json(frame: bytes) -> bytes:
        """The JSON of the event in a frame."""
        return frame.partition(b"\ndata: ")[2].rstrip(b"\n")

    @property
    def changes_earlier(self) -> bool:
        """Return whether this event changes how earlier ones are shown."""
        return self.body.startswith(CHANGES_EARLIER)

    @property
    def position(self) -> "Position":
        of_members = self.member_seq or 0 if self.for_members else 0
        return Position(self.created_at, self.chat_id, self.seq, of_members)

    @property
    def company_frame(self) -> bytes:
        """The event's frame in a stream of all chats."""
        return b"id: %b\n%b" % (str(self.position).encode(), self.body) if self.seq else self.body


class Place(NamedTuple):
    """An event of a chat: its seq or, in the members' log, the seq before it and `member_seq`."""

    chat_id: int
    seq: int
    member_seq: int = 0


class Position(NamedTuple):
    """An event's position among those of all chats, and its id there.

    That is `TIME_CHAT_SEQ`, and `TIME_CHAT_SEQ.mMEMBER_SEQ` for an event of the members' log.
    """

    created_at: str
    chat_id: int
    seq: int
    member_seq: int = 0

    def __str__(self) -> str:
        return f"{self.created_at}_{self.chat_id}_{LogPosition(self.seq, self.member_seq)}"

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Position":
        """The position of an event from `representations.event`."""
        return cls(
            event["created_at"], event["chat_id"], event["seq"], event.get("member_seq") or 0
        )

    @property
    def place(self) -> Place:
        return Place(self.chat_id, self.seq, self.member_seq)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Parse an event id. Raises ValueError when `text` is none."""
        created_at, chat_id, place = text.split("_")
        chat, after = parse_number(chat_id), parse_log_position(place)
        if chat is None or after is None:
            raise ValueError(text)
        position = cls(created_at, chat, after[0], after[1] or 0)
        if instant(position.time) != created_at or position.time.year < 2000:
            raise ValueError(text)
        return position

    @classmethod
    def at(cls, moment: datetime) -> "Position":
        """The position before all events at `moment`."""
        return cls(instant(moment.astimezone(UTC)), 0, 0)

    @property
    def settled(self) -> "Position":
        """An earlier position, from which a read misses no transaction that is yet to commit.

        Transactions do not commit in the order of their events' times, and clocks differ.
        """
        return Position.at(self.time - UNSETTLED)

    @property
    def time(self) -> datetime:
        return datetime.strptime(self.created_at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


LOG_POSITION = re.compile(r"(\d+)(?:\.m(\d+))?", re.ASCII)


def parse_log_position(text: str) -> tuple[int, int | None] | None:
    """The seq and the member_seq, if any, of a LogPosition; None when `text` is none."""
    match = LOG_POSITION.fullmatch(text)
    if match is None:
        return None
    seq, member_seq = parse_number(match[1]), parse_number(match[2] or "0")
    if seq is None or member_seq is None:
        return None
    return seq, None if match[2] is None else member_seq


def parse_number(text: str) -> int | None:
    """A number of a log, from 0 on."""
    return 0 if text == "0" else parse_id(text)


def publish_event(company_id: int, event: dict[str, Any], member_seq: int = 0) -> None:
    """Publish an event of a log after the commit. `member_seq` as in Hint."""
    publish.after_commit(lambda: bus_messages(company_id, Hint.from_event(event, member_seq)))


def publish_ephemeral(company_id: int, chat_id: int, type: str, data: dict[str, Any]) -> None:
    """Publish an ephemeral event at once."""
    publish.ephemeral(*bus_messages(company_id, Hint.ephemeral(type, chat_id, data)))


def bus_messages(company_id: int, hint: Hint) -> list[Message]:
    for_everyone = hint.pack(for_everyone=True)
    messages = [(company_channel(company_id), for_everyone)]
    if not hint.for_members:
        messages.append((chat_channel(hint.chat_id), for_everyone))
    if hint.member_seq:
        messages.append((members_channel(hint.chat_id), hint.pack()))
    return messages


def chat_channel(chat_id: int) -> str:
    return f"chat:{chat_id}"


def members_channel(chat_id: int) -> str:
    return f"members:{chat_id}"


def channels(chat_id: int, audience: Audience) -> list[str]:
    """The channels of what these readers of a chat may know."""
    if audience is Audience.MEMBERS:
        return [chat_channel(chat_id), members_channel(chat_id)]
    return [chat_channel(chat_id)]


def company_channel(company_id: int) -> str:
    return f"company:{company_id}"
