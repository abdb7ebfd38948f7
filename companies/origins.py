"""The origins of websites, `https://example.com[:port]`, in their one spelling."""

import ipaddress
import re
from urllib.parse import urlsplit

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
DEFAULT_PORTS = {"http": 80, "https": 443}


def normal_origin(text: str) -> str:
    """An origin as browsers send it. Raises ValueError for what is none, or more than one.

    What comes of it has none of the characters that would end its place in a policy.
    """
    text = text.strip()
    if any(character.isspace() for character in text):
        raise ValueError(text)
    parts = urlsplit(text)
    scheme, port = parts.scheme.lower(), parts.port
    if scheme not in DEFAULT_PORTS or parts.path not in {"", "/"} or "@" in parts.netloc:
        raise ValueError(text)
    if any(mark in text for mark in "?#\\") or not parts.hostname or port == 0:
        raise ValueError(text)
    if parts.netloc.endswith(":"):
        raise ValueError(text)
    host = normal_host(parts.hostname)
    suffix = "" if port is None or port == DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{suffix}"


def normal_host(host: str) -> str:
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    if not host.isascii():
        host = host.encode("idna").decode()  # UnicodeError is a ValueError
    host = host.lower()
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(host)
    return host
