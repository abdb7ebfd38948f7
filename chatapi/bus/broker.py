"""Redis as a broker that may go down at any time.

kombu (5.7) ends the worker with an AttributeError when a connection breaks while a task is under
way: it hands the task back, and later acknowledges it, by the connection that is gone. Redis keeps
what was not acknowledged and gives it out again after the visibility timeout, so there is nothing
to hand back.
"""

from typing import Any

from kombu.transport.redis import Channel

acknowledge = Channel.basic_ack


def acknowledge_if_open(channel: Any, delivery_tag: str, multiple: bool = False) -> None:
    if channel.connection is not None:
        acknowledge(channel, delivery_tag, multiple)


def outlive_lost_connections() -> None:
    """Mend kombu's class, which its transport for Sentinel inherits from."""
    Channel.do_restore = False
    Channel.basic_ack = acknowledge_if_open  # type: ignore[assignment, method-assign]
