"""Prepare `make run`: create keys in `.env` and check that the port is free."""

import os
import secrets
import socket
import stat
import sys

from django.core.exceptions import ImproperlyConfigured

from chatapi.env import ENV_FILE, flag, number, read_env_file, text


def write_keys() -> None:
    """Create the keys that an installation needs, in `.env`, which survives restarts."""
    if text("SECRET_KEY") or flag("DEBUG", False):
        return
    if ENV_FILE.exists() and not ENV_FILE.is_file():
        sys.exit(f"SECRET_KEY is not set, and {ENV_FILE} can't keep one: set it by hand.")
    try:
        descriptor = os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        sys.exit(f"SECRET_KEY is not set, and {ENV_FILE} can't be written: {error.strerror}.")
    with open(descriptor, "w") as file:
        file.write("\n# Made by `make run`; .env.example lists what else can be set here.\n")
        file.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
        if not text("CHAT_PASSWORD_KEYS"):
            file.write(f"CHAT_PASSWORD_KEYS={secrets.token_urlsafe(32)}\n")
        for name in ("TRANSCRIPT_KEYS", "TRANSCRIPT_SALT_KEY"):
            if not text(name):
                file.write(f"{name}={secrets.token_hex(32)}\n")
    print(f"Wrote keys of your own into {ENV_FILE.name}.", file=sys.stderr)


def keep_env_file_private() -> None:
    """Make `.env` readable only by its owner, because it contains keys and passwords."""
    if ENV_FILE.is_file() and (mode := stat.S_IMODE(ENV_FILE.stat().st_mode)) & 0o077:
        try:
            ENV_FILE.chmod(mode & ~0o077)
        except OSError as error:
            print(f"Others can read {ENV_FILE}: {error.strerror}.", file=sys.stderr)


def check_port() -> None:
    """Exit with one sentence if the port cannot be used."""
    host, port = text("HOST") or "127.0.0.1", number("PORT", 8000, minimum=1, maximum=65_535)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            sys.exit(
                f"Port {port} can't be used ({error.strerror}): stop what runs there,"
                f" or choose another one, like `make run PORT={port + 1}`."
            )


if __name__ == "__main__":
    try:
        read_env_file()
        check_port()
        write_keys()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    keep_env_file_private()
