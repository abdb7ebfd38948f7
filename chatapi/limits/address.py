"""The network address that a caller's limits are counted for."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Protocol

from django.conf import settings


class HasMeta(Protocol):
    """A request of Django or of DRF."""

    @property
    def META(self) -> Mapping[str, Any]: ...  # noqa: N802 (Django's name)


def network_address(request: HasMeta) -> str:
    """The network of a request's client: an IPv4 address, or the /64 of an IPv6 address.

    With `NUM_PROXIES`, it is that of the address seen by the outermost of our proxies. If that
    cannot be parsed, the peer's address is used.
    """
    if settings.NUM_PROXIES:
        sent = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        forwarded = [address for part in sent if (address := part.strip())]
        if len(forwarded) >= settings.NUM_PROXIES:
            found = network_of(forwarded[-settings.NUM_PROXIES])
            if found is not None:
                return found
    peer = str(request.META.get("REMOTE_ADDR", ""))
    return network_of(peer) or peer


@lru_cache(maxsize=4096)
def network_of(text: str) -> str | None:
    """The network of `203.0.113.8`, `203.0.113.8:4000` or `[2001:db8::1]:4000`; otherwise None."""
    text = text.strip()[:64]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            # A subscriber is given a /64, and can use any address in it.
            return str(IPv6Network((int(address) >> 64 << 64, 64)))
        return str(address.ipv4_mapped)
    return str(address)
