"""gunicorn's settings; each can be changed by the environment."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "chatapi.server.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
backlog = 2048
timeout = 60
graceful_timeout = 10
keepalive = 75
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "warning")
control_socket_disable = True
