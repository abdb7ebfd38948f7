"""What people wrote, without what could change the lines around it."""

SEPARATOR = "·"  # between the parts of a line
CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})
# Those that change the direction of what follows, and of which a line has no end.
DIRECTIONS = dict.fromkeys({*range(0x202A, 0x202F), *range(0x2066, 0x206A)})
PARENTHESES = str.maketrans("()", "[]")


def visible(text: str) -> str:
    """A text without control characters, which could rewrite what a terminal shows."""
    return text.translate(CONTROLS)


def one_line(text: str) -> str:
    """A text as one part of a line."""
    words = visible(text).translate(DIRECTIONS).split()
    return " ".join(word for word in words if word.strip(SEPARATOR))


def plain_name(name: str) -> str:
    """A name without parentheses, in which the role follows it."""
    return one_line(name.translate(PARENTHESES))
