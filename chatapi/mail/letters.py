"""Letters: what a mail says, and the kinds of mail there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.template.loader import render_to_string


class MailFile(NamedTuple):
    """A file that is attached to a mail."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The subject of a mail, its body as text and as HTML, and the files that are attached."""

    subject: str
    text: str
    html: str
    files: Sequence[MailFile] = ()

    @classmethod
    def render(
        cls,
        template: str,
        subject: str,
        context: Mapping[str, object],
        files: Sequence[MailFile] = (),
    ) -> "Letter":
        """Render `mail/{template}.txt` and `.html`."""
        context = {"subject": subject, **context}
        return cls(
            subject=" ".join(subject.split()),  # a line break would end the header
            text=render_to_string(f"mail/{template}.txt", context),
            html=render_to_string(f"mail/{template}.html", context),
            files=files,
        )


@dataclass(frozen=True, slots=True)
class MailKind:
    """A kind of mail about a row of a table, by whose id both functions are called.

    `build` returns the letter, or None if the mail is no longer needed. If `to_recipient`, it is
    called with the address, too. `sent` is called with the time at which the mail was sent.
    """

    build: Callable[..., Letter | None]
    sent: Callable[[int, datetime], object] | None = None
    to_recipient: bool = False


KINDS: dict[str, MailKind] = {}
