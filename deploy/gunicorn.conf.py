"""gunicorn's configuration, derived from the project's settings."""

import gc
import os
import resource
import sys

from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatapi.settings")

from django.conf import settings

try:
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    bind = f"{host}:{settings.PORT}"
except ImproperlyConfigured as error:
    sys.exit(str(error))

from django.urls import get_resolver

from chatapi.bus import publish
from chatapi.checks import web_processes
from chatapi.server import lifecycle

for error in web_processes(None):
    sys.exit(error.msg)

worker_class = "chatapi.server.worker.Worker"
workers = settings.WEB_CONCURRENCY
backlog = 2048
timeout = 60
graceful_timeout = 10
keepalive = settings.KEEP_ALIVE_SECONDS
loglevel = "warning"
control_socket_disable = True

# Each stream is a connection, so allow as many files as the system permits.
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def on_starting(server: object) -> None:
    """Without Redis, limits and presence are in memory, so there can be only one web process."""
    if not settings.REDIS_URL and not lifecycle.claim(settings.DATA_DIR / "web.lock"):
        sys.exit(
            f"Another web process uses {settings.DATA_DIR}. Stop it, or set REDIS_URL:"
            " without it, limits and presence are in the memory of one process."
        )


def post_worker_init(worker: object) -> None:
    """Exclude the loaded code from garbage collection.

    Otherwise the collector pauses the worker for 75 ms about once in a thousand requests.
    """
    _ = get_resolver().url_patterns  # with all the views
    gc.collect()
    gc.freeze()


def child_exit(server: object, worker: object) -> None:
    """A worker that died may have committed events without publishing them."""
    publish.resync()


def when_ready(server: object) -> None:
    """So may the workers of a machine that died and is back."""
    lifecycle.end_with_parent()
    publish.resync()
