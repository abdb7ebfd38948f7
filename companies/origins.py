"""Origins of websites, `https://example.com[:port]`, in normal form."""

import ipaddress
import re
from urllib.parse import urlsplit

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_origin(text: str) -> str:
    """Return an origin as browsers send it. Raises ValueError unless `text` is a single origin.

    The result contains no character that could end a directive of a Content-Security-Policy.
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
    host = normalize_host(parts.hostname)
    suffix = "" if port is None or port == DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{suffix}"


def normalize_host(host: str) -> str:
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    if not host.isascii():
        host = host.encode("idna").decode()  # UnicodeError is a ValueError
    host = host.lower()
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(host)
    return host
