"""Filter names that anyone can choose, because mail shows them to people who did not ask."""

import re

MAX_LENGTH = 40

# Text that mail programs turn into links: addresses, and words joined by a dot of any script.
_LINKS = re.compile(
    r"[/\\:@<>|\[\]{}]"
    r"|[^\s.\u3002\uff0e\uff61\u2024][.\u3002\uff0e\uff61\u2024][^\s.\u3002\uff0e\uff61\u2024]"
)
_DIGITS = re.compile(r"\d")
MAX_DIGITS = 4  # enough for a year or a house number, not for a telephone number


def plain_name(name: str) -> str:
    """The name if it is short and contains no link, address or telephone number; otherwise "".

    Mails quote the name, and only in the text, so that it cannot be mistaken for our own words.
    """
    name = " ".join(name.split())
    fits = (
        len(name) <= MAX_LENGTH
        and name.isprintable()
        and len(_DIGITS.findall(name)) <= MAX_DIGITS
        and not _LINKS.search(name)
    )
    return name if fits else ""
