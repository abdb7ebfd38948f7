"""`{% load files %}`: `{% file_limits %}`."""

from django import template
from django.conf import settings
from django.utils.html import json_script

register = template.Library()


@register.simple_tag
def file_limits() -> str:
    """What may be attached to a message, for the script of a conversation."""
    limits = {
        "files": settings.MAX_FILES,
        "bytes": settings.MAX_FILE_BYTES,
        "types": settings.ATTACHMENT_TYPES,
    }
    return json_script(limits, "file-limits")
