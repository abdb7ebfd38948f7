"""Examine an image, a sound or a video in a process of its own, which hostile content may kill.

`python -m chatapi.files.examine FOLDER TYPE` reads FOLDER/original. It prints a JSON object with
`width` and `height` in pixels, `duration` in seconds, a `placeholder` and whether it wrote
FOLDER/thumbnail (WebP) and FOLDER/clean, the original without its metadata.
"""

import base64
import io
import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 5
MEMORY_BYTES = 300 * 2**20
MAX_PIXELS = 50_000_000
THUMBNAIL_PIXELS = 480
PLACEHOLDER_PIXELS = 16
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
WEBP_EXIF, WEBP_XMP = 0x08, 0x04  # flags of a WebP file
ORIENTATION = 0x0112  # the EXIF tag that says how to turn an image
METADATA = ("exif", "xmp", "photoshop", "XML:com.adobe.xmp")
RAW_PROFILE = "Raw profile type "  # as ImageMagick names metadata in PNG


class UnreadableError(Exception):
    """The content is damaged, too large or not what its type says."""


def is_examined(type: str) -> bool:
    """Return whether files of this type are examined."""
    return type in FORMATS or type.startswith(("audio/", "video/"))


def examine(folder: Path, type: str) -> dict[str, Any]:
    """Examine FOLDER/original in a child process. Raises UnreadableError."""
    command = [sys.executable, "-m", "chatapi.files.examine", str(folder), type]
    try:
        done = subprocess.run(  # noqa: S603 (no shell, and no part of it comes from a client)
            command, capture_output=True, timeout=SECONDS * 2, check=True, env={}, cwd=PROJECT
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise UnreadableError from error
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine_image(folder: Path, type: str) -> dict[str, Any]:
    """Measure an image, and write its thumbnail and, if it has metadata, a copy without."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    original = folder / "original"
    with Image.open(original, formats=[FORMATS[type]]) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadableError
        exif = image.getexif()
        turned = exif.get(ORIENTATION, 1)
        has_metadata = bool(metadata_names(image.info))
        if has_metadata:
            write_clean(image, folder / "clean", turned)
    with Image.open(original, formats=[FORMATS[type]]) as image:
        image.draft("RGB", (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
        image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), reducing_gap=2.0)
        small = ImageOps.exif_transpose(image)
        small = small.convert("RGBA" if small.has_transparency_data else "RGB")
        small.save(folder / "thumbnail", "WEBP", quality=80, exif=b"", icc_profile=None)
        small.thumbnail((PLACEHOLDER_PIXELS, PLACEHOLDER_PIXELS))
        tiny = io.BytesIO()
        small.save(tiny, "WEBP", quality=30, exif=b"", icc_profile=None)
    if turned >= 5:  # by a quarter
        width, height = height, width
    data = base64.b64encode(tiny.getvalue()).decode()
    return {
        "width": width,
        "height": height,
        "placeholder": f"data:image/webp;base64,{data}",
        "thumbnail": True,
        "clean": has_metadata,
    }


def metadata_names(info: Mapping[Any, Any]) -> list[Any]:
    """The keys of an image's metadata that may say where it was taken."""
    return [
        name
        for name, value in info.items()
        if value and (name in METADATA or str(name).startswith(RAW_PROFILE))
    ]


def write_clean(image: Any, target: Path, turned: int) -> None:
    """Write an image without EXIF and XMP data, which may say where it was taken."""
    from PIL import Image

    options: dict[str, Any] = {"icc_profile": image.info.get("icc_profile")}
    exif = Image.Exif()
    if turned != 1:
        exif[ORIENTATION] = turned
    options["exif"] = exif.tobytes() if turned != 1 else b""
    if image.format == "JPEG":
        options |= {"quality": "keep", "subsampling": "keep"}
    elif image.format == "MPO":  # a JPEG with further images, of which the first is kept
        options |= {"quality": 95}
    elif image.format == "WEBP":
        target.write_bytes(clean_webp(Path(image.filename).read_bytes(), options["exif"]))
        return
    elif getattr(image, "is_animated", False):
        options |= {"save_all": True}
    for name in metadata_names(image.info):
        del image.info[name]
    image.save(target, "JPEG" if image.format == "MPO" else image.format, **options)


def clean_webp(content: bytes, exif: bytes) -> bytes:
    """A WebP file with `exif` instead of its own metadata. Its frames are not encoded again.

    The format is RIFF: chunks with a name of four bytes and a size, at even positions. The first
    one, VP8X, has a flag for each kind of metadata.
    """
    kept, position = [], 12
    while position + 8 <= len(content):
        name = content[position : position + 4]
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        data = content[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
        if name == b"VP8X" and data:
            flags = data[0] & ~(WEBP_EXIF | WEBP_XMP) | (WEBP_EXIF if exif else 0)
            data = bytes([flags]) + data[1:]
        if name not in {b"EXIF", b"XMP "}:
            kept.append((name, data))
    if exif:
        kept.append((b"EXIF", exif))
    body = b"WEBP" + b"".join(
        name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
        for name, data in kept
    )
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def examine_media(folder: Path) -> dict[str, Any]:
    """The duration of a sound or a video, if its format says it."""
    from tinytag import TinyTag, TinyTagException

    try:
        duration = TinyTag.get(folder / "original", tags=False).duration
    except (TinyTagException, ValueError, OverflowError):
        duration = None
    return {"duration": round(duration, 3) if duration else None}


def main() -> None:
    folder, content_type = Path(sys.argv[1]), sys.argv[2]
    limit_resources()
    is_image = content_type in FORMATS
    found = examine_image(folder, content_type) if is_image else examine_media(folder)
    print(json.dumps(found))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
