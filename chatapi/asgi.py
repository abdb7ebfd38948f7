"""The application as it is served: who waits is answered here, all else by Django over WSGI.

Django's ASGI handler with synchronous views gave a fraction of the throughput of this, and held a
thread for each request that waits.
"""

from chatapi.wsgi import application as wsgi_application

# After the settings are loaded and the apps are ready.
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
