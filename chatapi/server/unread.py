"""Count the bytes of a response that its client has not read."""

import asyncio
import fcntl
import struct
import termios


def unread_bytes(transport: asyncio.WriteTransport) -> int:
    """Bytes in the transport's buffer, and then those in the kernel's too; 0 if the first is empty.

    The kernel takes megabytes at a time from the transport, which therefore would see no progress
    for minutes while a slow client reads.
    """
    buffered = transport.get_write_buffer_size()
    if not buffered:
        return 0
    try:
        number = transport.get_extra_info("socket").fileno()
        (queued,) = struct.unpack("i", fcntl.ioctl(number, termios.TIOCOUTQ, b"\0" * 4))
    except (AttributeError, OSError):  # closed, or another kind of connection
        queued = 0
    return buffered + int(queued)
