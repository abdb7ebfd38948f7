"""What people write: when there is nothing to see in it, and where it may be cut."""

import unicodedata

import regex

# White space, what fonts show nothing of (zero-width and filling characters, soft hyphens,
# variation selectors, direction marks), control characters, and the empty pattern of Braille.
INVISIBLE = r"\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800"
_VISIBLE = regex.compile(rf"[^{INVISIBLE}]")
_UNUSABLE = regex.compile(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]")
_GRAPHEME = regex.compile(r"\X")
_EMPTY_LINES = regex.compile(r"\A(?:[^\S\n]*+\n)+")


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing of it."""
    return _VISIBLE.search(text) is None


def shorten(text: str, most: int) -> str:
    """The beginning, `most` characters as readers count them (an emoji is one), with `…` if cut."""
    if len(text) <= most:
        return text
    graphemes = _GRAPHEME.findall(text, endpos=most * 64)
    if len(graphemes) <= most:
        return text
    return "".join(graphemes[: most - 1]).rstrip() + "…"


def trim(text: str) -> str:
    """Without empty lines before it and blanks after it; several lines keep their indent."""
    text = _EMPTY_LINES.sub("", text.rstrip())
    return text if "\n" in text else text.strip()


def normal_password(password: str) -> str:
    """A password as it is compared: trimmed and composed (NFC), however it was typed in."""
    return unicodedata.normalize("NFC", password).strip()


def has_unusable(password: str) -> bool:
    """Whether it has characters that nobody can type in or see, such as control characters."""
    return _UNUSABLE.search(password) is not None
