"""What is done with uploaded images: metadata, limits and failures of the process that examines"""

import io
import struct
import subprocess
import zlib

import pytest
from PIL import Image, PngImagePlugin

from chatapi.files import examine
from chats.tests.files import archive, image, sound

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
SECRET = b"51.5007 N, 0.1246 W"
XMP = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"


@pytest.fixture
def examined(tmp_path):
    """Examine a file. Returns what was found, and the content that is kept."""

    def run(content, type):
        (tmp_path / "original").write_bytes(content)
        found = examine.examine(tmp_path, type)
        return found, (tmp_path / ("clean" if found["clean"] else "original")).read_bytes()

    return run


def pixels(content):
    """The frames of an image, with their durations."""
    with Image.open(io.BytesIO(content)) as opened:
        frames = []
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            frames.append((opened.convert("RGBA").tobytes(), opened.info.get("duration")))
        return frames


def exif(turned=1):
    data = Image.Exif()
    data[0x0112] = turned
    data[0x010E] = SECRET.decode()  # a description
    return data


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_text(**options):
    """A PNG with texts of all kinds, and a chunk that nobody knows."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add_text("Raw profile type exif", SECRET.decode(), zip=False)
    info.add(b"prVt", SECRET)
    return image("PNG", pnginfo=info, exif=exif(), icc_profile=b"a profile", **options)


def animation(format, **options):
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "green", "blue")]
    content = io.BytesIO()
    frames[0].save(
        content,
        format,
        save_all=True,
        append_images=frames[1:],
        duration=[100, 200, 300],
        loop=0,
        **options,
    )
    return content.getvalue()


def gif_with_xmp():
    """XMP is text instead of blocks; a tail leads readers that take it for blocks to the end."""
    tail = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return animation("GIF")[:-1] + b"!\xff\x0bXMP DataXMP" + XMP + tail + b";"


def pictures():
    """A JPEG with a second image behind it, as some cameras write."""
    content = io.BytesIO()
    first, second = (Image.new("RGB", (64, 48), color) for color in ("red", "blue"))
    first.save(content, "MPO", save_all=True, append_images=[second], exif=exif())
    return content.getvalue()


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("JPEG", image("JPEG", exif=exif(), xmp=XMP, comment=SECRET, icc_profile=b"a profile")),
        ("JPEG", image("JPEG", progressive=True, exif=exif())),
        ("JPEG", image("JPEG") + SECRET),
        ("JPEG", pictures()),
        ("PNG", with_text()),
        ("PNG", image("PNG") + SECRET),
        ("PNG", animation("PNG", exif=exif())),
        ("GIF", animation("GIF", comment=SECRET)),
        ("GIF", gif_with_xmp()),
        ("GIF", animation("GIF") + SECRET),
        ("WEBP", image("WEBP", exif=exif(), xmp=XMP, icc_profile=b"a profile")),
        ("WEBP", animation("WEBP", exif=exif(), xmp=XMP)),
        ("WEBP", image("WEBP", lossless=True) + b"prVt" + struct.pack("<I", 20) + SECRET + b"."),
    ],
)
def test_metadata_is_removed_and_nothing_is_encoded_again(examined, format, content):
    found, clean = examined(content, TYPES[format])
    assert found["clean"]
    assert found["thumbnail"]
    assert SECRET not in clean
    assert b"Exif" not in clean
    assert b"eXIf" not in clean
    assert pixels(clean) == pixels(content)[: len(pixels(clean))]
    assert len(pixels(clean)) == len(pixels(content)) or content == pictures()
    assert (b"ICC" in clean or b"iCCP" in clean) == (b"a profile" in content or b"iCCP" in content)
    assert examined(clean, TYPES[format])[0]["clean"] is False


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_an_image_keeps_its_orientation(examined, tmp_path, format, turned):
    picture = Image.new("RGB", (1000, 500), "blue")
    picture.paste("red", (0, 0, 500, 500))
    content = io.BytesIO()
    picture.save(content, format, exif=exif(turned))
    found, clean = examined(content.getvalue(), TYPES[format])
    with Image.open(io.BytesIO(clean)) as opened:
        assert opened.getexif().get(0x0112, 1) == turned
        assert 0x010E not in opened.getexif()
    sideways = turned in {6, 8}
    assert (found["width"], found["height"]) == ((500, 1000) if sideways else (1000, 500))
    with Image.open(tmp_path / "thumbnail") as small:
        assert small.size == ((240, 480) if sideways else (480, 240))
        first = small.convert("RGB").getpixel((20, 20))
    assert (first[0] > 200) == (turned in {1, 6})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_thumbnails_of_all_kinds_of_pixels(examined, tmp_path, mode):
    picture = Image.new(mode, (2100, 1010))
    content = io.BytesIO()
    picture.save(content, "PNG")
    assert examined(content.getvalue(), "image/png")[0]["thumbnail"]
    with Image.open(tmp_path / "thumbnail") as small:
        assert small.size == (480, 231)
        assert small.mode == ("RGBA" if "A" in mode else "RGB")


def large(format, mode="RGB", size=(8000, 6000), **options):
    content = io.BytesIO()
    Image.new(mode, size, "red").save(content, format, exif=exif(6), **options)
    return content.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "options", "has_thumbnail"),
    [
        ("JPEG", {}, True),
        ("JPEG", {"progressive": True}, True),
        ("JPEG", {"progressive": True, "subsampling": 0}, False),
        ("PNG", {"mode": "RGBA", "compress_level": 1}, True),
        ("PNG", {"mode": "LA", "compress_level": 1}, True),
        ("WEBP", {"method": 0}, False),
        ("WEBP", {"method": 0, "size": (4000, 3000)}, True),
        ("WEBP", {"method": 0, "lossless": True, "size": (5000, 4000)}, False),
    ],
)
def test_large_images_are_examined_within_the_limits(examined, format, options, has_thumbnail):
    size = options.get("size", (8000, 6000))
    found, clean = examined(large(format, **options), TYPES[format])
    assert (found["width"], found["height"]) == size[::-1]
    assert ("thumbnail" in found, "placeholder" in found) == (has_thumbnail, has_thumbnail)
    assert SECRET not in clean


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (image("PNG", size=(7072, 7072)), "image/png"),
        (image("WEBP", size=(7072, 7072), method=0), "image/webp"),
        (image("JPEG")[:300], "image/jpeg"),
        (image("PNG")[:60], "image/png"),
        (image("WEBP")[:60], "image/webp"),
        (b"RIFF\x20\0\0\0WEBPVP8 ", "image/webp"),
        (archive(a="x"), "image/png"),
    ],
)
def test_unreadable_images_are_recognised(examined, content, type):
    with pytest.raises(examine.UnreadableError):
        examined(content, type)


@pytest.mark.parametrize("fault", ["slow", "killed", "no memory", "no room"])
def test_other_failures_may_pass(examined, tmp_path, monkeypatch, fault):
    if fault == "slow":
        monkeypatch.setattr(examine, "SECONDS", 0)
    elif fault == "no room":
        (tmp_path / "thumbnail").mkdir()
    else:
        run = subprocess.run

        def run_instead(command, **options):
            limit = "ulimit -v 20000" if fault == "no memory" else "kill -9 $$"
            return run(["sh", "-c", f'{limit}; exec "$@"', "sh", *command], **options)

        monkeypatch.setattr(subprocess, "run", run_instead)
    with pytest.raises(examine.FailedError):
        examined(image(), "image/png")


def test_a_sound_has_nothing_to_remove(tmp_path):
    (tmp_path / "original").write_bytes(sound(seconds=1))
    assert examine.examine(tmp_path, "audio/wav") == {"duration": 1.0}
