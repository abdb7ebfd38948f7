"""Hints: events on their way to the streams, rendered once by the process that writes them.

Over the wire a hint is a line `CHAT SEQ CREATED_AT`, followed by the event's `event:` and `data:`
lines as a stream sends them. `SEQ` is 0 for an ephemeral event, which is in no log.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chatapi.api.encoding import dumps, instant
from chatapi.api.ids import parse_id
from chatapi.bus import publish
from chatapi.bus.messages import Message
from chats.models.events import EVENT_KINDS

MAX_PRESENT_IN = 20  # chats that the client of one stream may have open
UNSETTLED = timedelta(seconds=30)  # longer than any statement may run
CHANGES_EARLIER = tuple(
    f"event: {name}\n".encode() for name, kind in EVENT_KINDS.items() if kind.changes_earlier
)


class Hint(NamedTuple):
    """An event on its way to the streams. `created_at` is in the API's format."""

    chat_id: int
    seq: int
    created_at: str
    body: bytes

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "Hint":
        """The hint of an event from `representations.event`."""
        body = b"event: %b\ndata: %b\n\n" % (event["type"].encode(), dumps(event))
        return cls(event["chat_id"], event.get("seq", 0), event["created_at"], body)

    @classmethod
    def ephemeral(cls, type: str, chat_id: int, data: dict[str, Any]) -> "Hint":
        """The hint of an ephemeral event: `typing`, `presence` or `read`."""
        now = instant(datetime.now(UTC))
        return cls.from_event({"type": type, "chat_id": chat_id, "created_at": now, "data": data})

    def pack(self) -> bytes:
        return b"%d %d %b\n%b" % (self.chat_id, self.seq, self.created_at.encode(), self.body)

    @classmethod
    def unpack(cls, payload: bytes) -> "Hint":
        line, _, body = payload.partition(b"\n")
        chat_id, seq, created_at = line.split(b" ")
        return cls(int(chat_id), int(seq), created_at.decode(), body)

    @property
    def frame(self) -> bytes:
        """The event's frame in the stream of its chat, with the seq as id."""
        return b"id: %d\n%b" % (self.seq, self.body) if self.seq else self.body

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
        return Position(self.created_at, self.chat_id, self.seq)

    @property
    def company_frame(self) -> bytes:
        """The event's frame in a stream of all chats."""
        return b"id: %b\n%b" % (str(self.position).encode(), self.body) if self.seq else self.body


class Position(NamedTuple):
    """An event's position among those of all chats, and its id there: `TIME_CHAT_SEQ`."""

    created_at: str
    chat_id: int
    seq: int

    def __str__(self) -> str:
        return f"{self.created_at}_{self.chat_id}_{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Parse an event id. Raises ValueError when `text` is none."""
        created_at, chat_id, seq = text.split("_")
        numbers = [0 if each == "0" else parse_id(each) for each in (chat_id, seq)]
        position = cls(created_at, numbers[0] or 0, numbers[1] or 0)
        if None in numbers or instant(position.time) != created_at or position.time.year < 2000:
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


def publish_event(company_id: int, event: dict[str, Any]) -> None:
    """Publish an event of the log after the commit."""
    publish.after_commit(lambda: bus_messages(company_id, Hint.from_event(event)))


def publish_ephemeral(company_id: int, chat_id: int, type: str, data: dict[str, Any]) -> None:
    """Publish an ephemeral event at once."""
    publish.ephemeral(*bus_messages(company_id, Hint.ephemeral(type, chat_id, data)))


def bus_messages(company_id: int, hint: Hint) -> tuple[Message, Message]:
    payload = hint.pack()
    return (chat_channel(hint.chat_id), payload), (company_channel(company_id), payload)


def chat_channel(chat_id: int) -> str:
    return f"chat:{chat_id}"


def company_channel(company_id: int) -> str:
    return f"company:{company_id}"
