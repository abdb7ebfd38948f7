"""Write a transcript as JSON, as plain text or as a page to print, entry by entry.

Only JSON can be verified. The other forms are for readers. They end with the last hash, by which
they can be compared with one in JSON.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from chatapi.api.encoding import dumps, instant
from chats.models import EventType
from chats.transcripts import chain, keys
from chats.transcripts.notices import name_of, notice
from chats.transcripts.people import People, Person
from chats.transcripts.plain import SEPARATOR, one_line, plain_name, visible


class Entry(NamedTuple):
    """An entry of a transcript. Without a salt, the content is withheld."""

    seq: int
    type: str
    created_at: datetime
    content: Any
    salt: bytes | None
    content_hash: bytes
    hash: bytes
    # For readers, if the entry is about a message: its seq, the name of its author now, the seq of
    # the one that it replies to, and the author's id.
    message_seq: int | None = None
    author: str = ""
    reply_to_seq: int | None = None
    author_id: int | None = None
    is_earlier: bool = False  # withheld because the message was edited since


@dataclass(frozen=True, slots=True)
class Transcript:
    """The log of a chat up to `seq`. `entries` can be read once."""

    chat: dict[str, Any]
    company: str
    people: list[dict[str, Any]]
    seq: int
    entries: Iterator[Entry]


# --- JSON -----------------------------------------------------------------------------------------


def write_json(transcript: Transcript, file: IO[bytes]) -> None:
    """Write one entry a line, and the signature at the end."""
    chat, people = dumps(transcript.chat), dumps(transcript.people)
    file.write(b'{"chat":%b,\n"people":%b,\n"entries":[' % (chat, people))
    head, separator = chain.START, b"\n"
    withheld = []
    for entry in transcript.entries:
        file.write(separator + dumps(shown(entry)))
        head, separator = entry.hash, b",\n"
        if entry.salt is None:
            withheld.append(entry.seq)
    signed = keys.signature(transcript.chat, transcript.people, transcript.seq, head, withheld)
    # An object without its opening brace, behind the other fields.
    file.write(b"\n],\n" + dumps({"seq": transcript.seq, **signed})[1:] + b"\n")


def shown(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "type": entry.type,
        "created_at": instant(entry.created_at),
        "content": entry.content,
        "salt": entry.salt.hex() if entry.salt is not None else None,
        "content_hash": entry.content_hash.hex(),
        "hash": entry.hash.hex(),
    }


# --- For readers ----------------------------------------------------------------------------------


class Line(NamedTuple):
    """An entry for readers: what somebody wrote, or a notice about something else."""

    seq: int
    at: str
    author: Person | None  # None for a notice
    notice: str
    text: str
    files: list[str]

    @property
    def subject(self) -> str:
        parts = (str(self.author) if self.author else "", self.notice)
        return f" {SEPARATOR} ".join(filter(None, parts))


class Lines:
    """The entries of a transcript for readers, in order. `head` is the hash of the last one read.

    People are shown as they were then, so that a later name can't pass for the author.
    """

    def __init__(self, transcript: Transcript) -> None:
        self.entries = transcript.entries
        self.people = People(transcript.people)
        self.head = chain.START

    def __iter__(self) -> Iterator[Line]:
        for entry in self.entries:
            self.head = entry.hash
            # This one concerns readers in no way.
            if entry.type != EventType.ATTACHMENT_UPDATED:
                yield self.line(entry)

    def line(self, entry: Entry) -> Line:
        content = entry.content or {}
        author, about = None, ""
        if entry.type == EventType.MESSAGE_CREATED:
            author = self.author(entry)
            if entry.is_earlier:
                about = _("This message was edited later.")
            elif entry.content is None:
                about = _("This message was deleted.")
            elif entry.reply_to_seq is not None:
                about = _("In reply to %(number)s") % {"number": f"#{entry.reply_to_seq}"}
        elif entry.content is None and entry.message_seq is None:
            about = _("What this entry said was erased.")
        else:
            about = one_line(notice(entry.type, content, self.name(entry), entry.message_seq))
        at = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
        files = [one_line(each["name"]) for each in content.get("attachments", ())]
        return Line(entry.seq, at, author, about, content.get("text") or "", files)

    def author(self, entry: Entry) -> Person:
        """The author of the message that an entry is about."""
        assurance = (entry.content or {}).get("assurance")
        return self.people.find(entry.author_id, assurance) or Person(plain_name(entry.author))

    def name(self, entry: Entry) -> str:
        """How a notice calls whom or what it is about."""
        if entry.message_seq is not None:
            return str(self.author(entry))
        if entry.type.startswith("user."):
            return str(self.people.learn(entry.content))
        return one_line(name_of(entry.content))


def write_text(transcript: Transcript, file: IO[bytes]) -> None:
    """Write plain text. What people wrote is indented, so that it can't pass for an entry."""
    context = head_of(transcript)
    head = f"{context['title']}\n{context['company']}\n{context['times']}\n"
    file.write(head.encode())
    lines = Lines(transcript)
    for each in lines:
        written = [f"\n#{each.seq}  {each.at}  {each.subject}"]
        written += [f"    {part}" for part in visible(each.text).splitlines()]
        written += ["    " + _("File: %(name)s") % {"name": name} for name in each.files]
        file.write(("\n".join(written) + "\n").encode())
    file.write(f"\n{proof_of(transcript, lines.head)}\n".encode())


MARK = "<!-- entries -->"
MARK_OF_PROOF = "<!-- proof -->"
BATCH = 500


def write_html(transcript: Transcript, file: IO[bytes]) -> None:
    """Write a page that loads nothing and runs nothing."""
    context = {
        **head_of(transcript),
        "entries": mark_safe(MARK),  # noqa: S308 (a constant)
        "proof": mark_safe(MARK_OF_PROOF),  # noqa: S308 (a constant)
    }
    lines = Lines(transcript)
    start, _mark, end = render_to_string("chats/transcript.html", context).partition(MARK)
    file.write(start.encode())
    for batch in batched(lines, BATCH):
        file.write(render_to_string("chats/transcript_entries.html", {"lines": batch}).encode())
    proof = escape(proof_of(transcript, lines.head))
    file.write(end.replace(MARK_OF_PROOF, proof).encode())


def head_of(transcript: Transcript) -> dict[str, str]:
    number = transcript.chat["id"]
    name = one_line(transcript.chat["name"])
    title = _("Transcript of chat %(number)s") % {"number": number}
    return {
        "title": f"{title}: {name}" if name else title,
        "company": one_line(transcript.company),
        "times": _("All times are in UTC."),
    }


def proof_of(transcript: Transcript, head: bytes) -> str:
    """A line by which readers can find the transcript in JSON that proves this one."""
    return _(
        "To compare with the transcript as proof (JSON): %(number)s entries, hash of the last "
        "entry %(head)s, key %(key)s"
    ) % {"number": transcript.seq, "head": head.hex(), "key": keys.keys()[0].jwk["kid"]}


def batched(found: Iterable[Line], size: int) -> Iterator[list[Line]]:
    each = iter(found)
    while batch := list(islice(each, size)):
        yield batch


class Form(NamedTuple):
    """A form of a transcript: how it is written, and as what it is sent."""

    write: Callable[[Transcript, IO[bytes]], None]
    media_type: str
    extension: str


FORMS = {
    "json": Form(write_json, "application/json", "json"),
    "text": Form(write_text, "text/plain; charset=utf-8", "txt"),
    "html": Form(write_html, "text/html; charset=utf-8", "html"),
}


def file_name(transcript: Transcript, form: Form) -> str:
    return f"transcript-{transcript.chat['id']}.{form.extension}"
