"""Domain names: one spelling each, the one that DNS knows."""

import ipaddress
import re

import idna

PLAIN_LABEL = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LONGEST = 253


def normal_domain(name: str) -> str:
    """`name` in lower case and in its ASCII form (`bücher.example` → `xn--bcher-kva.example`).

    Letters that DNS takes for others (full-width, capital) become those, and characters that it
    ignores (soft hyphens, zero-width ones) go, as in a browser's address bar (UTS #46).

    Raises ValueError for what is no domain name, such as one with a blank or an underscore.
    """
    if len(name) > 4 * LONGEST:  # more than what could become shorter
        raise ValueError("too long")
    lower = name.lower()
    if not all(PLAIN_LABEL.fullmatch(label) for label in lower.split(".")):
        lower = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    if len(lower) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    return lower


def normal_host(host: str) -> str:
    """A domain name or an IP address in its normal form, IPv6 in brackets; ValueError else."""
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in inner:
        return f"[{ipaddress.IPv6Address(inner).compressed}]"
    return normal_domain(host)


def mail_domain(host: str) -> str:
    """A host in its normal form, as it stands in a mail address or a Message-ID."""
    inner = host.strip("[]")
    try:
        version = ipaddress.ip_address(inner).version
    except ValueError:
        return host
    return f"[IPv6:{inner}]" if version == 6 else f"[{inner}]"


def is_local(host: str) -> bool:
    """Whether a host in its normal form names the machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
