"""Events in words."""

from typing import Any

from django.utils.translation import gettext as _

from chats.models import ChatUser, EventType
from chats.models.events import EVENT_KINDS


def notice(type: str, data: dict[str, Any], author: str = "", seq: int | None = None) -> str:
    """An event in words. An unknown type is shown as it is in the log.

    For an event of a message, `author` and `seq` are those of the message.
    """
    if type not in EventType:
        return type
    if data.get("status") == ChatUser.Status.BANNED:
        return _("%(name)s was banned.") % {"name": name_of(data)}
    parameters = (
        {"name": name_of(data)}
        if seq is None
        else {"name": author, "seq": seq, "emoji": data.get("emoji")}
    )
    return str(EVENT_KINDS[EventType(type)].notice) % parameters


def name_of(data: dict[str, Any]) -> str:
    """The name of the chat or chat user that the event is about."""
    name = data.get("name") or f"{data.get('first_name', '')} {data.get('last_name', '')}"
    return name.strip() or str(data.get("id", ""))
