"""The people of a transcript for readers, as they were when an entry was written."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from chats.models import ChatUser
from chats.transcripts.notices import name_of
from chats.transcripts.plain import plain_name

ROLES: dict[str, Promise] = {
    ChatUser.Role.GUEST: gettext_lazy("guest"),
    ChatUser.Role.AGENT: gettext_lazy("agent"),
}
ASSURANCES: dict[str, Promise] = {
    ChatUser.Assurance.CLAIMED: gettext_lazy("email not verified"),
    ChatUser.Assurance.EMAIL_VERIFIED: gettext_lazy("email verified"),
    ChatUser.Assurance.MEMBER: gettext_lazy("member of the company"),
}


class Person(NamedTuple):
    """A chat user for readers. No name can pass for a standing, because it has no parentheses."""

    name: str
    standing: str = ""  # the role and the assurance, as far as they are known

    def __str__(self) -> str:
        return f"{self.name} ({self.standing})" if self.standing else self.name


class People:
    """The people of a chat, as the events said that have been read."""

    def __init__(self, current: Iterable[Mapping[str, Any]]) -> None:
        """`current` shows those of whom no event says anything."""
        self.known = {each["id"]: each for each in current}

    def learn(self, content: Mapping[str, Any]) -> Person:
        """Keep what an event says about a chat user."""
        if "id" in content:
            self.known[content["id"]] = content
        return person(content)

    def find(self, chat_user_id: int | None, assurance: str | None = None) -> Person | None:
        """A chat user with the assurance of a message, or with the latest that was read."""
        known = None if chat_user_id is None else self.known.get(chat_user_id)
        if known is None:
            return None
        return person({**known, "assurance": assurance} if assurance else known)


def person(content: Mapping[str, Any]) -> Person:
    standing = (ROLES.get(content.get("role", "")), ASSURANCES.get(content.get("assurance", "")))
    name = plain_name(name_of(dict(content))) or str(content.get("id", ""))
    return Person(name, ", ".join(str(each) for each in standing if each is not None))
