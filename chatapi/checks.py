"""Checks of this project's settings. Those marked `deploy` run with `manage.py check --deploy`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from chatapi.env import ENV_FILE


@checks.register()
def web_processes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.REDIS_URL or settings.WEB_CONCURRENCY == 1:
        return []
    return [
        checks.Error(
            f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, but several web processes need"
            " REDIS_URL: without it, limits and presence are in the memory of one process.",
            id="chatapi.E001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.CHAT_PASSWORD_KEYS:
        found.append(
            checks.Warning(
                "CHAT_PASSWORD_KEYS is not set: chat passwords are encrypted by SECRET_KEY,"
                " which then can't be changed.",
                id="chatapi.W001",
            )
        )
    if not (settings.TRANSCRIPT_KEYS and settings.TRANSCRIPT_SALT_KEY):
        found.append(
            checks.Warning(
                "TRANSCRIPT_KEYS or TRANSCRIPT_SALT_KEY is not set: it is derived from SECRET_KEY,"
                " whose change would change the hashes of transcripts, or who signed them.",
                id="chatapi.W008",
            )
        )
    if not settings.HTTPS:
        found.append(
            checks.Warning(
                "PUBLIC_URL is not https: tokens travel in the clear.", id="chatapi.W002"
            )
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            checks.Warning("DATABASE_URL is SQLite: one machine, one writer.", id="chatapi.W003")
        )
    if not settings.REDIS_URL:
        found.append(
            checks.Warning(
                "REDIS_URL is not set: there can be only one web process.", id="chatapi.W004"
            )
        )
    if settings.EMAIL_URL.startswith(("consolemail", "dummymail", "memorymail")):
        found.append(
            checks.Warning("EMAIL_URL does not send: codes reach nobody.", id="chatapi.W005")
        )
    if settings.ACCEL_REDIRECT and settings.ATTACHMENT_DIR.is_relative_to(settings.DATA_DIR):
        found.append(
            checks.Warning(
                "ATTACHMENT_DIR is in DATA_DIR, which only the service can read: with"
                " ACCEL_REDIRECT, nginx needs it elsewhere.",
                id="chatapi.W007",
            )
        )
    for name, path in private_files().items():
        if path.is_file() and path.stat().st_mode & 0o077:
            found.append(
                checks.Warning(f"Others can read {name}: chmod 600 {path}", id="chatapi.W006")
            )
    return found


def private_files() -> dict[str, Path]:
    """The files that contain secrets, by description."""
    files = {"the settings": ENV_FILE}
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        files["the database"] = Path(database["NAME"])
    return files
