"""The ASGI application. It serves long polls and streams, and passes the rest to Django over WSGI.

Django's own ASGI handler with synchronous views reached a fraction of this throughput, and held a
thread for each waiting request.
"""

from chatapi.wsgi import application as wsgi_application

# Importing chatapi.wsgi sets up Django, and the modules below import models.
# isort: split
from django.conf import settings

from chatapi.api.policies import body_limit
from chatapi.server.body import BodyReader
from chatapi.server.errors import ErrorBoundary
from chatapi.server.wsgi_bridge import WSGIBridge
from chats.stream.caps import Caps
from chats.stream.endpoint import EventStream
from chats.stream.longpoll import LongPoll

django = WSGIBridge(wsgi_application, settings.WEB_THREADS)
reader = BodyReader(django, settings.MAX_BODY_BYTES, body_limit)
caps = Caps()
application = ErrorBoundary(EventStream(LongPoll(reader, caps), caps))
