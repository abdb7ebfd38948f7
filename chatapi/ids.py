"""Ids as they come in a URL."""

MAX_ID = 2**63 - 1


def parse_id(text: str) -> int | None:
    """A positive id that fits the database, or None."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= MAX_ID:
        return int(text)
    return None
