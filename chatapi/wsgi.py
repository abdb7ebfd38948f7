"""The WSGI application, which has no streams and no long polls."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from chatapi.server.media_type import BoundedMediaType

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatapi.settings")

try:
    application = BoundedMediaType(get_wsgi_application())
except ImproperlyConfigured as error:
    sys.exit(str(error))
