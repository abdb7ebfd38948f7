"""Copy an image without its metadata, which may say where it was taken, and without decoding it.

Only the parts that a format needs for showing the image are kept. What follows its end is dropped:
it may be a video, or an earlier version of the image.
"""

import re
import zlib
from collections.abc import Callable, Iterator

Part = bytes | memoryview

# --- JPEG: segments, each with a marker and, except for a few, a length ---

SOI, EOI, SOS, APP0, APP1, APP2, APP14, APP15, COM = (
    *(0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE),
)
WITHOUT_LENGTH = {0x01, SOI, EOI}
JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # except those within the data of a scan
JFIF_BYTES = 16  # of the segment, without the thumbnail that may follow

# --- PNG: chunks ---

PNG_BEGIN_BYTES = 8
PNG_KEPT = frozenset(
    {
        *(b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI"),
        *(b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT"),
    }
)

# --- GIF: blocks ---

GIF_HEAD_BYTES = 13
EXTENSION, FRAME, TRAILER = 0x21, 0x2C, 0x3B
COMMENT, APPLICATION = 0xFE, 0xFF
GIF_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")  # loops and colours

# --- WebP: chunks of RIFF. The first one, VP8X, has a flag for each kind of metadata ---

WEBP_KEPT = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
WEBP_EXIF, WEBP_XMP = 0x08, 0x04


class BrokenError(ValueError):
    """A part of the image ends after the file."""


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker, start and end of each segment after the first. That of a scan has its data."""
    position = 2
    while match := JPEG_MARKER.search(content, position):
        marker, start, position = match[0][1], match.start(), match.end()
        if marker not in WITHOUT_LENGTH:
            length = int.from_bytes(content[position : position + 2])
            position += length
            if length < 2 or position > len(content):
                raise BrokenError
        if marker == SOS:
            following = JPEG_MARKER.search(content, position)
            position = following.start() if following else len(content)
        yield marker, start, position
        if marker == EOI:
            return


def scans(content: bytes) -> int:
    """The number of a JPEG's scans. With several, all of it is in memory before it is decoded."""
    return sum(marker == SOS for marker, _, _ in jpeg_segments(content))


def clean_jpeg(content: bytes, exif: bytes) -> Iterator[Part]:
    view = memoryview(content)
    yield view[:2]
    if exif:
        data = b"Exif\0\0" + exif
        added = bytes((0xFF, APP1)) + (len(data) + 2).to_bytes(2) + data
    else:
        added = b""
    for marker, start, end in jpeg_segments(content):
        data = content[start + 4 : start + 16]
        if marker == APP0 and data.startswith(b"JFIF\0"):
            # It is the first segment, and may have a thumbnail.
            yield b"\xff\xe0" + JFIF_BYTES.to_bytes(2) + data.ljust(12, b"\0")[:12] + b"\0\0"
            continue
        yield added
        added = b""
        is_profile = marker == APP2 and data == b"ICC_PROFILE\0"
        is_adobe = marker == APP14 and data.startswith(b"Adobe")
        if is_profile or is_adobe or not (APP0 <= marker <= APP15 or marker == COM):
            yield view[start:end]


def clean_png(content: bytes, exif: bytes) -> Iterator[Part]:
    view, position = memoryview(content), PNG_BEGIN_BYTES
    yield view[:position]
    while position + 12 <= len(content):
        name = content[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(content[position : position + 4])
        if end > len(content):
            raise BrokenError
        if name == b"IDAT" and exif:
            check = zlib.crc32(b"eXIf" + exif)
            yield len(exif).to_bytes(4) + b"eXIf" + exif + check.to_bytes(4)
            exif = b""
        is_needed = not name[0] & 0x20  # upper case: an image can't be shown without it
        if is_needed or name in PNG_KEPT:
            yield view[position:end]
        position = end
        if name == b"IEND":
            return


def clean_gif(content: bytes, exif: bytes) -> Iterator[Part]:
    """GIF has no EXIF data, so that `exif` is ignored."""
    view = memoryview(content)
    position = GIF_HEAD_BYTES + colours_bytes(content[10])
    yield view[:position]
    while position < len(content):
        start, kind, label = position, content[position], content[position + 1 : position + 2]
        if kind == TRAILER:
            yield view[start : start + 1]
            return
        if kind == EXTENSION:
            position = end_of_blocks(content, start + 2)
            application = content[start + 3 : start + 14]
            is_unneeded = label[:1] == bytes([APPLICATION]) and application not in GIF_APPLICATIONS
            if not is_unneeded and label != bytes([COMMENT]):
                yield view[start:position]
        elif kind == FRAME and start + 10 < len(content):
            position = end_of_blocks(content, start + 11 + colours_bytes(content[start + 9]))
            yield view[start:position]
        else:
            position += 1  # not a block; readers skip it


def colours_bytes(flags: int) -> int:
    """The size of the table of colours that the flags of a GIF or of a frame announce."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def end_of_blocks(content: bytes, position: int) -> int:
    while position < len(content) and content[position]:
        position += content[position] + 1
    return min(position + 1, len(content))


def webp_chunks(content: bytes) -> Iterator[tuple[bytes, Part]]:
    """The name and data of each chunk. Chunks have even sizes."""
    view, position = memoryview(content), 12
    while position + 8 <= len(content):
        size = number(content[position + 4 : position + 8])
        yield content[position : position + 4], view[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def webp_size(content: bytes) -> tuple[int, int]:
    """The width and height of a WebP, from its first chunk."""
    name, data = next(webp_chunks(content), (b"", b""))
    if name == b"VP8X":
        return number(data[4:7]) + 1, number(data[7:10]) + 1
    if name == b"VP8L":
        bits = number(data[1:5])
        return bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
    if name == b"VP8 ":
        return number(data[6:8]) % 2**14, number(data[8:10]) % 2**14
    raise BrokenError


def number(data: Part) -> int:
    return int.from_bytes(data, "little")


def clean_webp(content: bytes, exif: bytes) -> Iterator[Part]:
    kept = list[tuple[bytes, Part]]()
    for name, data in webp_chunks(content):
        if name == b"VP8X" and data:
            flags = data[0] & ~(WEBP_EXIF | WEBP_XMP) | (WEBP_EXIF if exif else 0)
            kept.append((name, bytes([flags]) + bytes(data[1:])))
        elif name in WEBP_KEPT:
            kept.append((name, data))
    if exif:
        kept.append((b"EXIF", exif))
    size = 4 + sum(8 + len(data) + len(data) % 2 for _, data in kept)
    yield b"RIFF" + size.to_bytes(4, "little") + b"WEBP"
    for name, data in kept:
        yield name + len(data).to_bytes(4, "little")
        yield data
        yield b"\0" * (len(data) % 2)


CLEANERS: dict[str, Callable[[bytes, bytes], Iterator[Part]]] = {
    "image/jpeg": clean_jpeg,
    "image/png": clean_png,
    "image/gif": clean_gif,
    "image/webp": clean_webp,
}
