"""What happens in a chat, as it travels to the streams: rendered once, where it happened.

Over the wire a hint is a line `CHAT SEQ CREATED_AT` and the event's `event:` and `data:` lines as a
stream sends them. `SEQ` is 0 for what passes and is in no log.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chatapi.api.encoding import dumps, instant
from chatapi.api.ids import parse_id
from chatapi.bus import hints
from chats.models import EventType

MAX_PRESENT_IN = 20  # chats that the reader of one stream has open
UNSETTLED = timedelta(seconds=30)  # longer than any statement may take
# Events after which earlier ones look different: these show a message, and its author, as of now.
CHANGES_EARLIER = tuple(
    f"event: {each}\n".encode()
    for each in (
        EventType.MESSAGE_UPDATED,
        EventType.MESSAGE_DELETED,
        EventType.USER_UPDATED,
        EventType.USER_JOINED,  # again, maybe in another role
    )
)


class Hint(NamedTuple):
    """An event on its way. `created_at` is as the API writes times."""

    chat_id: int
    seq: int
    created_at: str
    body: bytes

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Hint":
        """A hint of an event as `representations.event` gives it."""
        body = b"event: %b\ndata: %b\n\n" % (event["type"].encode(), dumps(event))
        return cls(event["chat_id"], event.get("seq", 0), event["created_at"], body)

    @classmethod
    def passing(cls, type: str, chat_id: int, data: dict[str, Any]) -> "Hint":
        """A hint of what passes and is in no log: `typing`, `presence`, `read`."""
        now = instant(datetime.now(UTC))
        return cls.of({"type": type, "chat_id": chat_id, "created_at": now, "data": data})

    def pack(self) -> bytes:
        return b"%d %d %b\n%b" % (self.chat_id, self.seq, self.created_at.encode(), self.body)

    @classmethod
    def unpack(cls, payload: bytes) -> "Hint":
        line, _, body = payload.partition(b"\n")
        chat_id, seq, created_at = line.split(b" ")
        return cls(int(chat_id), int(seq), created_at.decode(), body)

    @property
    def frame(self) -> bytes:
        """The event in the stream of its chat, where the seq is its id."""
        return b"id: %d\n%b" % (self.seq, self.body) if self.seq else self.body

    @staticmethod
    def json_in(frame: bytes) -> bytes:
        """The event in a frame of a stream, as an answer has it."""
        return frame.partition(b"\ndata: ")[2].rstrip(b"\n")

    @property
    def changes_earlier(self) -> bool:
        """Whether earlier events look different since."""
        return self.body.startswith(CHANGES_EARLIER)

    @property
    def position(self) -> "Position":
        return Position(self.created_at, self.chat_id, self.seq)

    @property
    def company_frame(self) -> bytes:
        """The event in a stream of many chats."""
        return b"id: %b\n%b" % (str(self.position).encode(), self.body) if self.seq else self.body


class Position(NamedTuple):
    """An event's place among those of many chats, and its id there: `TIME_CHAT_SEQ`."""

    created_at: str
    chat_id: int
    seq: int

    def __str__(self) -> str:
        return f"{self.created_at}_{self.chat_id}_{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """ValueError when `text` is no such id."""
        created_at, chat_id, seq = text.split("_")
        numbers = [0 if each == "0" else parse_id(each) for each in (chat_id, seq)]
        place = cls(created_at, numbers[0] or 0, numbers[1] or 0)
        if None in numbers or instant(place.time) != created_at or place.time.year < 2000:
            raise ValueError(text)
        return place

    @classmethod
    def at(cls, moment: datetime) -> "Position":
        """Before all that happened at `moment`."""
        return cls(instant(moment.astimezone(UTC)), 0, 0)

    @property
    def settled(self) -> "Position":
        """A position that no transaction which has yet to end comes before.

        Transactions don't end in the order of their events' times, and clocks differ.
        """
        return Position.at(self.time - UNSETTLED)

    @property
    def time(self) -> datetime:
        return datetime.strptime(self.created_at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def tell(company_id: int, event: dict[str, Any]) -> None:
    """Tell of an event of the log, after the commit."""
    hints.after_commit(lambda: channels(company_id, Hint.of(event)))


def pass_on(company_id: int, chat_id: int, type: str, data: dict[str, Any]) -> None:
    """Tell now of what passes."""
    hints.pass_on(*channels(company_id, Hint.passing(type, chat_id, data)))


def channels(company_id: int, hint: Hint) -> tuple[hints.Message, hints.Message]:
    payload = hint.pack()
    return (chat_channel(hint.chat_id), payload), (company_channel(company_id), payload)


def chat_channel(chat_id: int) -> str:
    return f"chat:{chat_id}"


def company_channel(company_id: int) -> str:
    return f"company:{company_id}"
