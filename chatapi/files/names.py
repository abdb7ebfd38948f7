"""The names of uploaded files, which are shown and offered for download, but never opened."""

import regex

from chatapi.text.display import is_blank

MAX_NAME_LENGTH = 255
_SEPARATORS = regex.compile(r"[/\\]")
# Control characters, direction marks and other characters that change how a name reads.
_MISLEADING = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]")
_SPACES = regex.compile(r"\s+")


def clean_name(name: str) -> str:
    """The last part of a path, without characters that mislead; `file` if nothing is left.

    A long name is shortened before its extension.
    """
    name = _SEPARATORS.split(name)[-1]
    name = _SPACES.sub(" ", _MISLEADING.sub("", name)).strip()
    if is_blank(name) or not name.strip("."):
        return "file"
    if len(name) > MAX_NAME_LENGTH:
        stem, dot, extension = name.rpartition(".")
        ending = dot + extension if stem and len(extension) <= 20 else ""
        name = name[: MAX_NAME_LENGTH - len(ending)] + ending
    return name


def extension(name: str) -> str:
    """The extension in lower case, with its dot; empty if there is none."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if stem and dot else ""
