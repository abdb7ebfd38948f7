"""gunicorn's worker: uvicorn, told what this application needs."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "off",
        "ws": "none",
        "server_header": False,
        "access_log": False,  # it would write tokens that stand in a URL
        "proxy_headers": False,  # NUM_PROXIES says whom to believe
        "timeout_graceful_shutdown": 8,
    }
