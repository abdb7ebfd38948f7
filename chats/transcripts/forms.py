"""Write a transcript as JSON, as plain text or as a page to print, entry by entry.

Only JSON can be verified. The other forms are for readers, so they show no hashes but the last.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from chatapi.api.encoding import dumps, instant
from chats.models import EventType
from chats.transcripts import chain, keys
from chats.transcripts.notices import notice


class Entry(NamedTuple):
    """An entry of a transcript. Without a salt, the content is withheld."""

    seq: int
    type: str
    created_at: datetime
    content: Any
    salt: bytes | None
    content_hash: bytes
    hash: bytes
    # For readers, if the entry is about a message: the seq and the author of the message, and the
    # seq of the one that it replies to.
    message_seq: int | None = None
    author: str = ""
    reply_to_seq: int | None = None
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
    author: str  # empty for a notice
    notice: str
    text: str
    files: list[str]


def line(entry: Entry) -> Line | None:
    """None for an entry that concerns readers in no way."""
    if entry.type == EventType.ATTACHMENT_UPDATED:
        return None
    at = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
    content = entry.content or {}
    text = content.get("text") or ""
    files = [one_line(each["name"]) for each in content.get("attachments", ())]
    author, about = "", ""
    if entry.type == EventType.MESSAGE_CREATED:
        author = one_line(entry.author)
        if entry.is_earlier:
            about = _("This message was edited later.")
        elif entry.content is None:
            about = _("This message was deleted.")
        elif entry.reply_to_seq is not None:
            about = _("In reply to %(number)s") % {"number": f"#{entry.reply_to_seq}"}
    elif entry.content is None and entry.message_seq is None:
        about = _("What this entry said was erased.")
    else:
        about = one_line(notice(entry.type, content, entry.author, entry.message_seq))
    return Line(entry.seq, at, author, about, text, files)


def lines(transcript: Transcript) -> Iterator[Line]:
    return filter(None, map(line, transcript.entries))


def one_line(text: str) -> str:
    return " ".join(visible(text).split())


CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})


def visible(text: str) -> str:
    """A text without control characters, which could rewrite what a terminal shows."""
    return text.translate(CONTROLS)


def write_text(transcript: Transcript, file: IO[bytes]) -> None:
    """Write plain text. What people wrote is indented, so that it can't pass for an entry."""
    context = head_of(transcript)
    head = f"{context['title']}\n{context['company']}\n{context['times']}\n"
    file.write(head.encode())
    for each in lines(transcript):
        subject = " · ".join(filter(None, (each.author, each.notice)))
        written = [f"\n#{each.seq}  {each.at}  {subject}"]
        written += [f"    {part}" for part in visible(each.text).splitlines()]
        written += ["    " + _("File: %(name)s") % {"name": name} for name in each.files]
        file.write(("\n".join(written) + "\n").encode())


MARK = "<!-- entries -->"
BATCH = 500


def write_html(transcript: Transcript, file: IO[bytes]) -> None:
    """Write a page that loads nothing and runs nothing."""
    context = {**head_of(transcript), "entries": mark_safe(MARK)}  # noqa: S308 (a constant)
    start, _mark, end = render_to_string("chats/transcript.html", context).partition(MARK)
    file.write(start.encode())
    for batch in batched(lines(transcript), BATCH):
        file.write(render_to_string("chats/transcript_entries.html", {"lines": batch}).encode())
    file.write(end.encode())


def head_of(transcript: Transcript) -> dict[str, str]:
    number = transcript.chat["id"]
    name = one_line(transcript.chat["name"])
    title = _("Transcript of chat %(number)s") % {"number": number}
    return {
        "title": f"{title}: {name}" if name else title,
        "company": one_line(transcript.company),
        "times": _("All times are in UTC."),
    }


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
