"""The gunicorn worker: uvicorn with `chatapi.server.protocol`."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from chatapi.server.protocol import Protocol


class Worker(UvicornWorker):
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "lifespan": "off",
        "ws": "none",
        "server_header": False,
        "access_log": False,  # it would log tokens that are part of a URL
        "proxy_headers": False,  # NUM_PROXIES says which proxies are trusted
        "timeout_graceful_shutdown": 8,
    }
