"""Letters: what a mail says, and the kinds of mail there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string


@dataclass(frozen=True, slots=True)
class Letter:
    """The subject of a mail, and its body as text and as HTML."""

    subject: str
    text: str
    html: str

    @classmethod
    def render(cls, template: str, subject: str, context: Mapping[str, object]) -> "Letter":
        """Render `mail/{template}.txt` and `.html`."""
        context = {"subject": subject, **context}
        return cls(
            subject=" ".join(subject.split()),  # a line break would end the header
            text=render_to_string(f"mail/{template}.txt", context),
            html=render_to_string(f"mail/{template}.html", context),
        )


@dataclass(frozen=True, slots=True)
class MailKind:
    """A kind of mail about a row of a table, by whose id both functions are called.

    `build` returns the letter, or None if the mail is no longer needed. `sent` is called with the
    time at which it was sent.
    """

    build: Callable[[int], Letter | None]
    sent: Callable[[int, datetime], object] | None = None


KINDS: dict[str, MailKind] = {}
