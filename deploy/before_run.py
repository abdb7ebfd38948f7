"""What `make run` looks at before it starts anything: the port, and keys of one's own in .env."""

import os
import secrets
import socket
import sys
from pathlib import Path

ENV_FILE = Path(os.environ.get("ENV_FILE") or Path(__file__).resolve().parent.parent / ".env")


def setting(name: str, default: str) -> str:
    """A setting as the service will read it: the environment first, then .env."""
    if name in os.environ:
        return os.environ[name]
    if ENV_FILE.exists():
        for line in ENV_FILE.read_text().splitlines():
            key, _, value = line.partition("=")
            if key.strip() == name:
                return value.partition(" #")[0].strip().strip("'\"") or default
    return default


def write_env() -> None:
    """Make the keys that every installation needs; they outlive a restart and are in no commit."""
    if setting("SECRET_KEY", "") or setting("DEBUG", "").lower() in {"1", "true", "yes", "on"}:
        return
    if ENV_FILE.exists() and not ENV_FILE.is_file():
        sys.exit(f"SECRET_KEY is not set, and {ENV_FILE} can't keep one: set it by hand.")
    with open(os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.write("\n# Made by `make run`; .env.example lists what else can be set here.\n")
        file.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
        if not setting("CHAT_PASSWORD_KEYS", ""):
            file.write(f"CHAT_PASSWORD_KEYS={secrets.token_urlsafe(32)}\n")
    print(f"Wrote keys of your own into {ENV_FILE.name}.", file=sys.stderr)


def free_port() -> str:
    """The port to serve on, as it is free; otherwise the end, with one sentence."""
    port = setting("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65536:
        sys.exit(f"PORT must be a number from 1 to 65535, not {port!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((setting("HOST", "127.0.0.1"), int(port)))
        except OSError as error:
            sys.exit(
                f"Port {port} can't be used ({error.strerror}): stop what runs there,"
                f" or choose another one, like `make run PORT={int(port) + 1}`."
            )
    return port


if __name__ == "__main__":
    port = free_port()
    write_env()
    print(port)  # for the processes: honcho would give them one of its own
