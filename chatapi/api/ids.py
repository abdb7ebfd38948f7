"""Ids as they come in a URL."""

import re

MAX_ID = 2**63 - 1
_FORM = re.compile(r"[1-9][0-9]{0,18}")


def parse_id(text: str) -> int | None:
    """A positive id that fits the database, in its one spelling; or None."""
    if _FORM.fullmatch(text) and int(text) <= MAX_ID:
        return int(text)
    return None


def parse_ids(text: str, most: int) -> tuple[int, ...] | None:
    """Ids separated by commas, each once; None when one is no id, or when there are too many."""
    if not text:
        return ()
    ids = [parse_id(each) for each in text.split(",", most)]
    found = tuple(dict.fromkeys(each for each in ids if each is not None))
    return None if None in ids or len(ids) > most else found
