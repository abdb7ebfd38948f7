"""Parse ids from URLs."""

import re

MAX_ID = 2**63 - 1
_PATTERN = re.compile(r"[1-9][0-9]{0,18}")


def parse_id(text: str) -> int | None:
    """A positive id that fits the database, without leading zeros; otherwise None."""
    if _PATTERN.fullmatch(text) and int(text) <= MAX_ID:
        return int(text)
    return None


def parse_ids(text: str, max_count: int) -> tuple[int, ...] | None:
    """Distinct ids, separated by commas; None if one is invalid or there are too many."""
    if not text:
        return ()
    ids = [parse_id(each) for each in text.split(",", max_count)]
    found = tuple(dict.fromkeys(each for each in ids if each is not None))
    return None if None in ids or len(ids) > max_count else found
