"""The ASGI application: long polls and streams here, everything else by Django over WSGI.

Django's own ASGI handler with synchronous views reached a fraction of this throughput, and held a
thread for each waiting request.
"""

from chatapi.wsgi import application as wsgi_application

# These need loaded settings and apps that are ready.
from chatapi.server.body import Guard, Intake  # isort: skip
from chatapi.server.wsgi_bridge import InThreads  # isort: skip
from chats.stream.endpoint import EventStream  # isort: skip
from chats.stream.caps import Caps  # isort: skip
from chats.stream.longpoll import LongPoll  # isort: skip
from django.conf import settings  # isort: skip

django = InThreads(wsgi_application, settings.WEB_THREADS)
intake = Intake(django, most=settings.MAX_BODY_BYTES)
caps = Caps()
application = Guard(EventStream(LongPoll(intake, caps), caps))
