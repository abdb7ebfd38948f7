"""Names that anybody can choose, made fit for a mail to somebody who did not ask for it."""

import re

MAX_LENGTH = 40

# What a mail program would make a link of: addresses, and words joined by a dot of any script.
_LINKS = re.compile(
    r"[/\\:@<>|\[\]{}]"
    r"|[^\s.\u3002\uff0e\uff61\u2024][.\u3002\uff0e\uff61\u2024][^\s.\u3002\uff0e\uff61\u2024]"
)
_DIGITS = re.compile(r"\d")
MAX_DIGITS = 4  # a year or a street number, but no telephone number


def plain_name(name: str) -> str:
    """The name when it is short and holds no link, address or telephone number; otherwise empty.

    A mail shows it in quotation marks and in its text alone, so that it does not read as ours.
    """
    name = " ".join(name.split())
    fits = (
        len(name) <= MAX_LENGTH
        and name.isprintable()
        and len(_DIGITS.findall(name)) <= MAX_DIGITS
        and not _LINKS.search(name)
    )
    return name if fits else ""
