"""Ids as they come in a URL."""

import re

MAX_ID = 2**63 - 1
_FORM = re.compile(r"[1-9][0-9]{0,18}")


def parse_id(text: str) -> int | None:
    """A positive id that fits the database, in its one spelling; or None."""
    if _FORM.fullmatch(text) and int(text) <= MAX_ID:
        return int(text)
    return None
