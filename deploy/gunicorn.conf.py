"""gunicorn's settings, out of the project's own."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatapi.settings")

from django.conf import settings

try:
    bind = f"{settings.HOST}:{settings.PORT}"
except ImproperlyConfigured as error:
    sys.exit(str(error))

worker_class = "chatapi.server.Worker"
workers = settings.WEB_CONCURRENCY
backlog = 2048
timeout = 60
graceful_timeout = 10
keepalive = 75
loglevel = "warning"
control_socket_disable = True
