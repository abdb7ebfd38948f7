"""Normalise domain names to the spelling that DNS uses."""

import ipaddress
import re

import idna

PLAIN_LABEL = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MAX_LENGTH = 253


def normalize_domain(name: str) -> str:
    """`name` in lower case and in its ASCII form (`bücher.example` → `xn--bcher-kva.example`).

    Equivalent letters (full-width, capital) are replaced and ignored characters (soft hyphens,
    zero-width ones) are removed, as in a browser's address bar (UTS #46).

    Raises ValueError for anything else, such as a name with a space or an underscore.
    """
    if len(name) > 4 * MAX_LENGTH:  # too long to become short enough
        raise ValueError("too long")
    lower = name.lower()
    if not all(PLAIN_LABEL.fullmatch(label) for label in lower.split(".")):
        lower = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    if len(lower) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    return lower


def normalize_host(host: str) -> str:
    """Normalise a domain name or IP address; IPv6 is in brackets. Raises ValueError otherwise."""
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in inner:
        return f"[{ipaddress.IPv6Address(inner).compressed}]"
    return normalize_domain(host)


def mail_domain(host: str) -> str:
    """The form of a normalised host in a mail address or a Message-ID."""
    inner = host.strip("[]")
    try:
        version = ipaddress.ip_address(inner).version
    except ValueError:
        return host
    return f"[IPv6:{inner}]" if version == 6 else f"[{inner}]"


def is_local(host: str) -> bool:
    """Return whether a normalised host is the machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
