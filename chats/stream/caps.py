"""Caps on the streams and long polls that are open at once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.limits.address import network_address
from chatapi.server.asgi_types import Scope, Send
from chatapi.server.errors import identified, send_error

RETRY_AFTER_SECONDS = 30  # another client may have disconnected by then


class Caps:
    """Counts the open streams and long polls of this process, per token, per address and in total.

    A stream counts from its admission, a long poll from the moment it starts to wait.
    """

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._total = 0

    def acquire(self, token: str, address: str) -> bool:
        if (
            self._total >= settings.STREAMS_PER_PROCESS
            or self._open[f"token {token}"] >= settings.STREAMS_PER_TOKEN
            or self._open[f"address {address}"] >= settings.STREAMS_PER_ADDRESS
        ):
            return False
        self._total += 1
        self._open[f"token {token}"] += 1
        self._open[f"address {address}"] += 1
        return True

    def release(self, token: str, address: str) -> None:
        self._total -= 1
        for key in (f"token {token}", f"address {address}"):
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    @contextmanager
    def slot(self, token: str, scope: Scope) -> Iterator[bool]:
        """Yield whether another may open. If so, it counts until the block ends."""
        address = network_address(ScopeRequest(scope))
        allowed = self.acquire(token, address)
        try:
            yield allowed
        finally:
            if allowed:
                self.release(token, address)


class ScopeRequest:
    """An ASGI scope with the `META` that `network_address` reads."""

    def __init__(self, scope: Scope) -> None:
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        self.META = {
            "HTTP_X_FORWARDED_FOR": b",".join(forwarded).decode("latin-1"),
            "REMOTE_ADDR": scope["client"][0] if scope.get("client") else "",
        }


async def refuse(
    scope: Scope, send: Send, limits: Mapping[str, str], retry_after: int = RETRY_AFTER_SECONDS
) -> None:
    """Answer 429. `limits` are the rate-limit headers of the token."""
    headers = {"Retry-After": str(retry_after), **limits}
    with identified(scope):
        await send_error(send, ApiError(ErrorCode.RATE_LIMITED, headers=headers))
