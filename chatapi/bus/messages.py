"""The messages by which processes notify each other, and their channels.

The channels are `chat:42`, `company:3`, and `control`, to which every streaming process subscribes.
"""

from django.conf import settings

Message = tuple[str, bytes]  # a channel's name and the payload

CONTROL = "control"
RESYNC = b"resync"  # hints may have been lost
ACCESS = b"access "  # followed by a subject: `user:1`, `chat:42` or `company:3`


def redis_channel(name: str) -> str:
    """The name of a channel in Redis."""
    return f"{settings.REDIS_PREFIX}{name}"
