"""Text that people enter: whether it is visible, and how to shorten and normalise it."""

import unicodedata

import regex

# White space, characters that fonts do not draw (zero-width and filler characters, soft hyphens,
# variation selectors, direction marks), control characters, and the blank Braille pattern.
INVISIBLE = r"\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800"
_VISIBLE = regex.compile(rf"[^{INVISIBLE}]")
_UNUSABLE = regex.compile(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]")
_GRAPHEME = regex.compile(r"\X")
_EMPTY_LINES = regex.compile(r"\A(?:[^\S\n]*+\n)+")


def is_blank(text: str) -> bool:
    """Return whether the text has no visible character."""
    return _VISIBLE.search(text) is None


def shorten(text: str, max_length: int) -> str:
    """Cut to `max_length` characters as readers count them (an emoji is one), ending with `…`."""
    if len(text) <= max_length:
        return text
    graphemes = _GRAPHEME.findall(text, endpos=max_length * 64)
    if len(graphemes) <= max_length:
        return text
    return "".join(graphemes[: max_length - 1]).rstrip() + "…"


def trim(text: str) -> str:
    """Remove leading empty lines and trailing white space. Multi-line texts keep their indent."""
    text = _EMPTY_LINES.sub("", text.rstrip())
    return text if "\n" in text else text.strip()


def normalize_password(password: str) -> str:
    """Trim and compose (NFC) a password before comparison, as keyboards differ."""
    return unicodedata.normalize("NFC", password).strip()


def has_unusable(password: str) -> bool:
    """Return whether it has characters that cannot be typed or seen, such as control characters."""
    return _UNUSABLE.search(password) is not None
