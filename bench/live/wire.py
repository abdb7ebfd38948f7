"""The bytes of an event stream, taken apart as they come in."""

import re

EVENT = re.compile(rb"id: (\d+)\nevent: \S+\ndata: [^\n]*\n\n")
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


class Wire:
    """One answer: its status, and the numbers of its events once they are complete.

    An event that is cut in the middle has not been received: who comes back asks for it again.
    """

    __slots__ = ("chunked", "comments", "rest", "said_bye", "status", "text")

    def __init__(self) -> None:
        self.status = 0
        self.chunked = False
        self.rest = b""  # of a head or a chunk that is not complete
        self.text = b""  # of an event that is not complete
        self.comments = 0
        self.said_bye = False

    def feed(self, data: bytes) -> list[int]:
        """The numbers of the events that `data` completes, in their order."""
        if self.rest:
            data, self.rest = self.rest + data, b""
        if not self.status:
            head, ended, data = data.partition(b"\r\n\r\n")
            if not ended:
                self.rest = head
                return []
            found = STATUS.match(head)
            self.status = int(found[1]) if found else 599
            self.chunked = b"transfer-encoding: chunked" in head.lower()
        if self.chunked:
            data = self.unchunk(data)
        if self.text:
            data = self.text + data
        end = data.rfind(b"\n\n") + 2
        if end == 1:  # no blank line
            self.text = data
            return []
        self.text = data[end:] if end < len(data) else b""
        numbers = [int(each) for each in EVENT.findall(data)]
        if not numbers:
            self.comments += data.count(b"\n:", 0, end) + data.startswith(b":")
            self.said_bye = self.said_bye or b"event: bye\n" in data
        return numbers

    def unchunk(self, data: bytes) -> bytes:
        """What complete chunks hold. The bytes of an incomplete one wait for the rest."""
        parts, at = [], 0
        while at < len(data):
            line = data.find(b"\r\n", at)
            if line < 0:
                break
            end = line + 2 + int(data[at:line], 16)
            if end + 2 > len(data):
                break
            parts.append(data[line + 2 : end])
            at = end + 2
        self.rest = data[at:]
        return parts[0] if len(parts) == 1 else b"".join(parts)
