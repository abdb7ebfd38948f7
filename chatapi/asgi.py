"""The application as it is served: who waits is answered here, all else by Django over WSGI.

Django's ASGI handler with synchronous views gave a fraction of the throughput of this, and held a
thread for each request that waits.
"""

from a2wsgi import WSGIMiddleware

from chatapi.wsgi import application as wsgi_application

# After the settings are loaded and the apps are ready.
from chatapi.intake import App, Guard, Intake  # isort: skip
from chats.stream.app import EventStream  # isort: skip
from chats.stream.longpoll import LongPoll  # isort: skip
from django.conf import settings  # isort: skip

django: App = WSGIMiddleware(wsgi_application, workers=settings.WEB_THREADS)  # type: ignore[arg-type, assignment]
application = Guard(EventStream(LongPoll(Intake(django, most=settings.MAX_BODY_BYTES))))
