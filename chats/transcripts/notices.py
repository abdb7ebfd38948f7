"""Events in words."""

from typing import Any

from django.utils.translation import gettext as _

from chats.models import ChatUser, EventType
from chats.models.events import EVENT_KINDS


def notice(type: str, data: dict[str, Any], name: str = "", seq: int | None = None) -> str:
    """An event in words. An unknown type is shown as it is in the log.

    `name` is that of the chat or the chat user, if it is not the one in `data`. For an event of a
    message, `name` is that of its author, and `seq` is that of the message.
    """
    if type not in EventType:
        return type
    if seq is None:
        name = name or name_of(data)
    if data.get("status") == ChatUser.Status.BANNED:
        return _("%(name)s was banned.") % {"name": name}
    parameters = {"name": name, "seq": seq, "emoji": data.get("emoji")}
    return str(EVENT_KINDS[EventType(type)].notice) % parameters


def name_of(data: dict[str, Any]) -> str:
    """The name of the chat or chat user that the event is about."""
    name = data.get("name") or f"{data.get('first_name', '')} {data.get('last_name', '')}"
    return name.strip() or str(data.get("id", ""))
