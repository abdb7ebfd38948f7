"""`{% load events %}`: `{% announced_events %}`."""

from django import template
from django.utils.html import json_script

from chats.models.events import EVENT_KINDS

register = template.Library()


@register.simple_tag
def announced_events() -> str:
    """The notices that a conversation announces, by type of event, for its script."""
    notices = {name.value: kind.notice for name, kind in EVENT_KINDS.items() if kind.announced}
    return json_script(notices, "announced-events")
