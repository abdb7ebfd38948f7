"""Examine an image, a sound or a video in a process of its own, which hostile content may kill.

`python -m chatapi.files.examine FOLDER TYPE` reads FOLDER/original. It prints a JSON object with
`width` and `height` in pixels, `duration` in seconds, a `placeholder` and whether it wrote
FOLDER/thumbnail (WebP) and FOLDER/clean, the original without its metadata. The exit code is
UNREADABLE if the content can't be examined; after any other failure, another attempt may succeed.
"""

import base64
import filecmp
import io
import json
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatapi.files import metadata

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 5
MEMORY_BYTES = 300 * 2**20
MAX_PIXELS = 50_000_000
THUMBNAIL_PIXELS = 480
PLACEHOLDER_PIXELS = 16
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
ORIENTATION = 0x0112  # the EXIF tag that says how to turn an image
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
# The interpreter, Pillow, the codecs and a strip need the rest of MEMORY_BYTES. An image that would
# need more gets no thumbnail: whether it does must not depend on how much memory is free.
MAX_DECODING_BYTES = 220 * 2**20
STRIP_PIXELS = 2**20
UNREADABLE = 65  # an exit code, EX_DATAERR in sysexits.h


class UnreadableError(Exception):
    """The content is damaged, too large or not what its type says."""


class FailedError(Exception):
    """The examination did not end, or was ended by its limits. Another attempt may succeed."""


# What decoders raise because of the content, besides OSErrors without a number.
UNREADABLE_ERRORS = (
    *(UnreadableError, SyntaxError, ValueError, LookupError, EOFError, OverflowError),
    *(struct.error, zlib.error),
)


def is_examined(type: str) -> bool:
    """Return whether files of this type are examined."""
    return type in FORMATS or type.startswith(("audio/", "video/"))


def loses_metadata(type: str) -> bool:
    """Return whether examining files of this type removes their metadata."""
    return type in FORMATS


def examine(folder: Path, type: str) -> dict[str, Any]:
    """Examine FOLDER/original in a child process. Raises UnreadableError and FailedError."""
    command = [sys.executable, "-m", "chatapi.files.examine", str(folder), type]
    try:
        done = subprocess.run(  # noqa: S603 (no shell, and no part of it comes from a client)
            command, capture_output=True, timeout=SECONDS * 2, env={}, cwd=PROJECT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailedError(str(error)) from error
    if done.returncode == UNREADABLE:
        raise UnreadableError
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise FailedError(f"exit code {done.returncode}: {last[:200]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine_image(folder: Path, type: str) -> dict[str, Any]:
    """Measure an image, and write its thumbnail and a copy without metadata."""
    large = large_webp(folder / "original") if type == "image/webp" else None
    width, height, turned, found = (*large, {}) if large else decode(folder, type)
    if turned >= 5:  # by a quarter
        width, height = height, width
    # The decoded image is no longer in memory here.
    is_cleaned = write_clean(folder, type, turned)
    return {"width": width, "height": height, "clean": is_cleaned, **found}


def decode(folder: Path, type: str) -> tuple[int, int, int, dict[str, Any]]:
    """The width, height and orientation of an image, and what was found if it is not too large."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # compared below
    original = folder / "original"
    with Image.open(original, formats=[FORMATS[type]]) as image:
        width, height = image.size
        require_pixels(width * height)
        fits = decoding_bytes(image, original) <= MAX_DECODING_BYTES
        turned = orientation(image.getexif)
        found = write_thumbnail(image, turned, folder / "thumbnail") if fits else {}
    return width, height, turned, found


def decoding_bytes(image: Any, path: Path) -> int:
    """The memory for decoding an image, by its format, its pixels and their mode.

    A JPEG is decoded row by row at an eighth of its size, except one with several scans, such as a
    progressive one: all of its coefficients are in memory then, two bytes each.
    """
    pixels: int = image.width * image.height
    if image.format in {"JPEG", "MPO"}:
        if not image.info.get("progressive") and metadata.scans(path.read_bytes()) <= 1:
            return 0
        samples = [across * down for _, across, down, _ in image.layer]
        blocks = max(layer[1] for layer in image.layer) * max(layer[2] for layer in image.layer)
        return int(2 * pixels * sum(samples) / blocks)
    if image.format == "WEBP":
        return webp_bytes(pixels, path.stat().st_size)
    return pixels * (1 if image.mode in {"1", "L", "P"} else 4)


def require_pixels(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise UnreadableError


def large_webp(path: Path) -> tuple[int, int, int] | None:
    """The width, height and orientation of a WebP that must not be decoded.

    Pillow can't be asked: it allocates the canvases when it opens the file.
    """
    from PIL import Image

    content = path.read_bytes()
    width, height = metadata.webp_size(content)
    require_pixels(width * height)
    if webp_bytes(width * height, len(content)) <= MAX_DECODING_BYTES:
        return None
    exif = Image.Exif()
    chunk = next(
        (bytes(data) for name, data in metadata.webp_chunks(content) if name == b"EXIF"), b""
    )

    def load() -> Any:
        exif.load(b"Exif\0\0" + chunk.removeprefix(b"Exif\0\0"))
        return exif

    return width, height, orientation(load) if chunk else 1


def webp_bytes(pixels: int, size: int) -> int:
    """Two canvases, the decoded bytes and the image have four bytes for a pixel each."""
    return 16 * pixels + 2 * size


def orientation(load: Callable[[], Any]) -> int:
    """How to turn an image, by the EXIF data that `load` returns: 1 to 8."""
    try:
        turned = load().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, LookupError, struct.error):  # damaged, but not the image
        return 1
    return turned if isinstance(turned, int) and 1 <= turned <= 8 else 1


def write_thumbnail(image: Any, turned: int, target: Path) -> dict[str, Any]:
    """Decode an image, at a fraction of its size if its format can, and make it small."""
    from PIL import Image

    image.draft("RGB", (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small = reduced(image, max(1, max(image.size) // (2 * THUMBNAIL_PIXELS)))
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    if turned in TURNS:
        small = small.transpose(Image.Transpose[TURNS[turned]])
    small.save(target, "WEBP", quality=80, exif=b"", icc_profile=None)
    small.thumbnail((PLACEHOLDER_PIXELS, PLACEHOLDER_PIXELS))
    tiny = io.BytesIO()
    small.save(tiny, "WEBP", quality=30, exif=b"", icc_profile=None)
    data = base64.b64encode(tiny.getvalue()).decode()
    return {"thumbnail": True, "placeholder": f"data:image/webp;base64,{data}"}


def reduced(image: Any, factor: int) -> Any:
    """An image in RGB or RGBA, with its sides divided by `factor`.

    This is done in strips. Pillow would first copy all of an image that has transparency, or other
    colours.
    """
    from PIL import Image

    image.load()
    mode = "RGBA" if image.has_transparency_data else "RGB"
    width, height = image.size
    rows = factor * max(1, STRIP_PIXELS // (width * factor))
    result = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        if strip.mode.startswith("I"):  # 16 bits
            strip = strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        result.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    return result


def write_clean(folder: Path, type: str, turned: int) -> bool:
    """Write FOLDER/clean, without metadata but its orientation. Returns False if it has no other.

    The image is not encoded again.
    """
    from PIL import Image

    exif = Image.Exif()
    exif[ORIENTATION] = turned
    kept = exif.tobytes().removeprefix(b"Exif\0\0") if turned != 1 else b""
    original, clean = folder / "original", folder / "clean"
    with clean.open("wb") as file:
        file.writelines(metadata.CLEANERS[type](original.read_bytes(), kept))
    if filecmp.cmp(original, clean, shallow=False):
        clean.unlink()
        return False
    return True


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
    try:
        is_image = content_type in FORMATS
        found = examine_image(folder, content_type) if is_image else examine_media(folder)
    except OSError as error:
        if error.errno is not None:  # of the system; Pillow's own have none
            raise
        sys.exit(UNREADABLE)
    except UNREADABLE_ERRORS:
        sys.exit(UNREADABLE)
    print(json.dumps(found))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
