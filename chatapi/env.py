"""Read settings from environment variables, or else from `.env`.

`deploy/before_run.py` and the settings both use this module, so that they cannot disagree. An
invalid value raises ImproperlyConfigured with one sentence that names the setting.
"""

import os
import re
from collections.abc import Callable
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import EmailValidator
from dotenv.parser import parse_stream
from environ import Env
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from chatapi.limits.rate import Rate
from chatapi.text.domains import normalize_domain, normalize_host

T = TypeVar("T")

BASE_DIR = Path(__file__).resolve().parent.parent
# A process that must not see the developer's settings, such as a test, names another file.
ENV_FILE = Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")

MAIL_SCHEMES = (
    "consolemail",
    "filemail",
    "smtp",
    "smtps",
    "smtp+tls",
    "smtp+ssl",
    "memorymail",
    "dummymail",
)
# TLS from the first byte; `smtp+tls` starts unencrypted and then switches to TLS (STARTTLS).
IMPLICIT_TLS = ("smtps", "smtp+ssl")


def read_env_file(path: Path = ENV_FILE) -> None:
    """Add the variables that `path` sets to the environment, unless they are set already."""
    try:
        with path.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path} can't be read: {error}.") from None
    for binding in bindings:
        if binding.error or (binding.key and binding.value is None):
            raise ImproperlyConfigured(
                f"{path}, line {binding.original.line}, must be NAME=value; a value that begins"
                " with a quotation mark must end with it, too."
            )
    # The last line that sets a name wins, as in a shell.
    for name, value in {each.key: each.value for each in bindings if each.key}.items():
        os.environ.setdefault(name, value or "")


def setting(name: str, read: Callable[[], T], expected: str) -> T:
    """Return `read()`. If it fails, raise one sentence with the setting and the expected form."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, ImproperlyConfigured):
        # A URL may contain a password, which must not appear in a log.
        given = "" if name.endswith("_URL") else f", not {os.environ.get(name, '')!r}"
        raise ImproperlyConfigured(f"{name} must be {expected}{given}.") from None


def text(name: str, default: str = "") -> str:
    """A setting without surrounding white space, or `default` if it is not set."""
    return os.environ.get(name, default).strip()


def items(name: str, default: list[str]) -> list[str]:
    """The items of a comma-separated setting, without white space and empty items."""
    if name not in os.environ:
        return default
    return [item for each in os.environ[name].split(",") if (item := each.strip())]


def flag(name: str, default: bool) -> bool:
    value = (text(name) or str(default)).lower()
    if value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def number(name: str, default: int, minimum: int = 0, maximum: int = 2**31) -> int:
    value = setting(name, lambda: int(text(name) or default), "a whole number")
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name} must be from {minimum} to {maximum}, not {value}.")
    return value


def keys(name: str) -> list[str]:
    """Keys of 32 bytes as 64 hexadecimal digits, comma-separated."""
    given = items(name, [])
    if not all(re.fullmatch("[0-9a-fA-F]{64}", each) for each in given):
        # The sentence goes to the log, so it does not repeat a key that may be almost right.
        raise ImproperlyConfigured(
            f"{name} must be of 64 hexadecimal digits, as `openssl rand -hex 32` prints them."
        )
    return given


def rate(name: str, default: str) -> Rate:
    return setting(
        name,
        lambda: Rate.parse(text(name) or default),
        "a number a second, minute or hour, like 20/s, 120/m or 5/h",
    )


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with one of `schemes`; the scheme is returned in lower case.

    None of these URLs has a fragment, so a `#` belongs to a password and is percent-encoded.
    """
    value = (text(name) or default).replace("#", "%23")
    starts = ", ".join(f"{scheme}://" for scheme in schemes)

    def read() -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if "," not in parts.netloc:  # with several hosts, each has its own port
            _ = parts.port  # raises ValueError for a port that is not a number
        is_cut = "@" not in parts.netloc and "@" in parts.path + parts.query
        if parts.scheme not in schemes or (is_cut and parts.scheme != "sqlite"):
            raise ValueError
        return parts.scheme + value[len(parts.scheme) :]

    return setting(
        name,
        read,
        f"a URL that starts with one of: {starts}"
        " (in its user name and password, / ? @ : [ ] % are percent-encoded)",
    )


def public_url(name: str, default: str) -> str:
    """An origin as browsers write it: scheme, host and port, without the scheme's default port."""
    value = url(name, default, ("http", "https"))
    parts = urlsplit(value)
    if parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} must be without a path: the service can't be served below one, only by a host"
            " name of its own."
        )
    if "@" in parts.netloc or "?" in value or "%23" in value:
        raise ImproperlyConfigured(
            f"{name} must be scheme, host and port alone, like https://chat.example.com."
        )
    host = setting(
        name,
        lambda: normalize_host(parts.netloc.rpartition(":")[0] if parts.port else parts.netloc),
        "a URL with a host, like https://chat.example.com",
    )
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != usual else ""
    return f"{parts.scheme}://{host}{port}"


def hosts(name: str, default: list[str]) -> list[str]:
    """Host names as Django compares them; `.example.com` includes all subdomains."""

    def read(each: str) -> str:
        if each == "*":
            return each
        dot = "." if each.startswith(".") else ""
        return dot + normalize_host(each.removeprefix("."))

    given = items(name, default)
    if not given:
        raise ImproperlyConfigured(f"{name} must name a host, or nobody would be answered.")
    return [
        setting(name, partial(read, each), "host names without scheme and port") for each in given
    ]


def mailbox(name: str, default: str) -> str:
    """A sender: one mail address, with or without a name in front."""
    value = text(name)
    if not value:
        return default

    def read() -> str:
        ((_, address),) = getaddresses([value])
        domain = address.rpartition("@")[2]
        if not domain.startswith("["):  # the validator handles IP addresses in brackets
            normalize_domain(domain)
        try:
            EmailValidator(allowlist=[domain])(address)
        except ValidationError:
            raise ValueError from None
        if not value.isprintable():
            raise ValueError
        return value

    expected = (
        "one mail address, like Chat <chat@example.com>, with a name that has a comma in quotation"
        ' marks, like "Flowers, Inc." <chat@example.com>'
    )
    return setting(name, read, expected)


def database(name: str, default: str) -> dict[str, Any]:
    """Django's database settings for a database URL.

    libpq parses the URLs of PostgreSQL, so several hosts, sockets and all its parameters work.
    """
    value = url(name, default, ("postgres", "postgresql", "pgsql", "sqlite"))
    scheme, _, rest = value.partition("://")

    def read() -> dict[str, Any]:
        if scheme == "sqlite":
            return dict(Env.db_url_config(value))
        try:
            given = conninfo_to_dict(f"postgresql://{rest}")
        except ProgrammingError:
            raise ValueError from None
        if any(port and not port.isdigit() for port in str(given.get("port", "")).split(",")):
            raise ValueError
        folder, _, path = str(given.pop("dbname", "")).rpartition("/")
        config = {
            "ENGINE": "chatapi.db.postgresql",
            "NAME": path,
            "USER": given.pop("user", ""),
            "PASSWORD": given.pop("password", ""),
            # In postgres:////run/postgresql/name, the socket's folder precedes the name.
            "HOST": given.pop("host", folder),
            "PORT": given.pop("port", ""),
        }
        return config | {"OPTIONS": given}

    return setting(name, read, "a database URL")


def mail(value: str) -> dict[str, Any]:
    """Django's mail settings for `EMAIL_URL`."""
    parts = urlsplit(value)
    config: dict[str, Any] = setting("EMAIL_URL", lambda: Env.email_url_config(value), "a mail URL")
    if parts.scheme.startswith("smtp"):
        if not config["EMAIL_HOST"]:
            raise ImproperlyConfigured("EMAIL_URL must name the mail server's host.")
        implicit = parts.scheme in IMPLICIT_TLS
        config["EMAIL_USE_SSL"] = implicit
        config["EMAIL_USE_TLS"] = parts.scheme == "smtp+tls"
        usual = 465 if implicit else 587 if parts.scheme == "smtp+tls" else 25
        config["EMAIL_PORT"] = parts.port or usual
    elif parts.scheme == "filemail":
        # filemail:///var/mail is absolute; filemail://mail is relative to the project's folder.
        folder = unquote(parts.netloc + parts.path)
        if not folder.strip("/"):
            raise ImproperlyConfigured("EMAIL_URL must name a folder, like filemail:///var/mail.")
        config["EMAIL_FILE_PATH"] = str(BASE_DIR / folder)
    elif parts.scheme == "consolemail":
        config["EMAIL_BACKEND"] = "chatapi.mail.console.EmailBackend"
    return config
