"""The type of a file, by its content. A name only chooses among types that the content allows."""

import codecs
import mimetypes
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import puremagic
from django.conf import settings

from chatapi.files.names import extension

UNKNOWN = "application/octet-stream"
# Shown by browsers without running anything; every other type is offered as a download.
INLINE = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp"),
        *("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm", "audio/flac"),
        *("video/mp4", "video/ogg", "video/webm", "video/quicktime"),
    }
)
SAME_AS = {
    "application/excel": "application/vnd.ms-excel",
    "application/mspowerpoint": "application/vnd.ms-powerpoint",
    "application/x-gzip": "application/gzip",
    "application/ogg": "audio/ogg",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "image/x-ms-bmp": "image/bmp",
    "text/xml": "application/xml",
}
# Containers that can hold either sound alone or a video.
ALSO = {"audio/ogg": "video/ogg", "video/webm": "audio/webm", "video/mp4": "audio/mp4"}
HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|title|meta)\b", re.IGNORECASE)
SVG = re.compile(rb"<(?:\w+:)?svg\b", re.IGNORECASE)
HEAD_BYTES = 64 * 1024
# Bytes that do not occur in text.
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# Types whose content is text, besides text/*.
TEXTS = ("application/json", "application/xml", "application/x-yaml", "image/svg+xml")
ARCHIVES = ("application/zip", "application/epub+zip", "application/vnd.*")
# Documents of Office before 2007, which all have the same container.
BINARY_OFFICE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
OPEN_XML = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


def sniff(path: Path, name: str) -> str:
    """The type of the file at `path`, which its sender calls `name`; UNKNOWN if none is recognised.

    HTML and SVG are recognised by what they contain, whatever the name says.
    """
    expected = expected_type(name)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_text(path):
        if head.startswith(b"%PDF-"):
            return "application/pdf"
        if head.startswith(b"{\\rtf"):
            return "application/rtf"
        if SVG.search(head):
            return "image/svg+xml"
        if HTML.search(head) or expected == "text/html":
            return "text/html"
        return expected if expected and kind(expected) == "text" else "text/plain"
    found = candidates(path)
    if expected in found:
        return expected
    if "application/zip" in found:
        return "application/zip"
    return found[0] if found else UNKNOWN


def is_text(path: Path) -> bool:
    """Return whether the whole file is UTF-8 without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while portion := file.read(HEAD_BYTES):
                if CONTROL.search(portion):
                    return False
                decoder.decode(portion)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def candidates(path: Path) -> list[str]:
    """The types that the signature of a file allows, the most likely ones first."""
    try:
        matches = puremagic.magic_file(path)
    except (puremagic.PureError, ValueError):
        return []
    found: list[str] = []
    for match in matches:
        each = SAME_AS.get(match.mime_type, match.mime_type)
        if each:
            found += [each, ALSO[each]] if each in ALSO else [each]
    return found


@cache
def extensions() -> mimetypes.MimeTypes:
    """The types of names, the same on all machines."""
    known = mimetypes.MimeTypes()
    for content_type, ending in (
        ("audio/mp4", ".m4a"),
        ("audio/ogg", ".oga"),
        ("audio/ogg", ".opus"),
        ("audio/wav", ".wav"),
        ("application/epub+zip", ".epub"),
        ("application/msword", ".doc"),
        ("application/rtf", ".rtf"),
        ("application/vnd.ms-excel", ".xls"),
        ("application/vnd.ms-powerpoint", ".ppt"),
        (f"{OPEN_XML}presentationml.presentation", ".pptx"),
        (f"{OPEN_XML}spreadsheetml.sheet", ".xlsx"),
        (f"{OPEN_XML}wordprocessingml.document", ".docx"),
        (f"{OPEN_DOCUMENT}graphics", ".odg"),
        (f"{OPEN_DOCUMENT}presentation", ".odp"),
        (f"{OPEN_DOCUMENT}spreadsheet", ".ods"),
        (f"{OPEN_DOCUMENT}text", ".odt"),
        ("application/x-yaml", ".yaml"),
        ("image/heif", ".heic"),
        ("image/webp", ".webp"),
        ("text/csv", ".csv"),
        ("text/markdown", ".md"),
    ):
        known.add_type(content_type, ending)
    return known


def expected_type(name: str) -> str:
    """The type that a name announces; empty if it announces none that is known."""
    guess, encoding = extensions().guess_type(f"name{extension(name)}")
    if encoding:
        return f"application/{encoding}"
    return SAME_AS.get(guess or "", guess or "")


def kind(type: str) -> str:
    """The group of a type. A name may announce any type of the group that the content has."""
    if type.startswith("text/") or type in TEXTS:
        return "text"
    if type.startswith(("audio/", "video/")):
        return "media"
    if type.startswith("image/"):
        return "image"
    if type in BINARY_OFFICE:
        return "binary office"
    if any(fnmatch(type, each) for each in ARCHIVES):
        return "archive"
    return type


def contradicts(name: str, type: str) -> bool:
    """Return whether a name announces another kind of file than its content is."""
    expected = expected_type(name)
    return bool(expected) and kind(expected) != kind(type)


def is_allowed(type: str) -> bool:
    return any(fnmatch(type, each) for each in settings.ATTACHMENT_TYPES)
