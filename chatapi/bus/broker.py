"""Make Celery survive a Redis broker that goes down.

If a connection breaks while a task is running, kombu (5.7) returns the task to the queue and later
acknowledges it over the closed connection, which ends the worker with an AttributeError. Redis
keeps unacknowledged tasks and delivers them again after the visibility timeout, so there is nothing
to return.
"""

from typing import Any

from kombu.transport.redis import Channel

acknowledge = Channel.basic_ack


def acknowledge_if_open(channel: Any, delivery_tag: str, multiple: bool = False) -> None:
    if channel.connection is not None:
        acknowledge(channel, delivery_tag, multiple)


def survive_lost_connections() -> None:
    """Patch kombu's class, which its transport for Sentinel inherits from."""
    Channel.do_restore = False
    # mypy refuses to replace a method.
    Channel.basic_ack = acknowledge_if_open  # type: ignore[assignment, method-assign]  # a patch of kombu
