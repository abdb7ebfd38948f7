"""`GET /api/chats/{id}/events` and `GET /api/events` as `text/event-stream`.

An ASGI application in front of Django: a stream holds no thread and no database connection.
Refused requests fall through to the view of the same route, which renders the error.
"""

import asyncio
import logging

from django.conf import settings
from django.db import Error

from chatapi.api import tokens
from chatapi.server.asgi_types import App, Receive, Scope, Send
from chatapi.server.errors import identified
from chatapi.server.hooks import disconnected, on_shutdown
from chats.access.grants import Grant
from chats.hints import LogPosition, Position
from chats.models.events import Audience
from chats.stream import log_reader
from chats.stream.admission import Admission
from chats.stream.caps import Caps, refuse
from chats.stream.hub import hub
from chats.stream.request import Start, parse_after, parse_request, to_view_scope
from chats.stream.subscriber import Subscriber
from chats.stream.writer import Writer, retry_field

logger = logging.getLogger(__name__)
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # Proxies must not store, compress or buffer the stream.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", ", ".join(settings.CORS_EXPOSE_HEADERS).encode()),
]
RETRY_MILLISECONDS = 500, 5000  # clients reconnect in this range when a server shuts down


class EventStream:
    """Serves requests for streams; passes everything else to `app`."""

    def __init__(self, app: App, caps: Caps | None = None) -> None:
        self.app = app
        self.caps = caps or Caps()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = parse_request(scope)
        if request is None:
            await self.app(scope, receive, send)
            return
        after = parse_after(request.chat_id, request.after, request.token)
        if after is None or request.present_in is None or not tokens.well_formed(request.token):
            await self.app(to_view_scope(request, scope), receive, send)
            return
        try:
            admission, change_count = await hub().admit(request.token, request.chat_id)
        except Error as error:
            logger.warning("admission failed, asking the client to retry: %s", error)
            await answer_retry(send)
            return
        if admission is None:
            await self.app(to_view_scope(request, scope), receive, send)
            return
        hub().record_use(admission)
        verdict = admission.verdict
        if not verdict.allowed:
            await refuse(scope, send, verdict.headers, verdict.retry_after_seconds)
            return
        with self.caps.slot(admission.grant.limit_key, scope) as allowed:
            if allowed:
                try:
                    start = await start_of(admission.grant, after)
                except Error as error:
                    logger.warning("the log cannot be read, asking the client to retry: %s", error)
                    await answer_retry(send)
                    return
                await serve(
                    admission, change_count, start, request.present_in, scope, receive, send
                )
            else:
                await refuse(scope, send, verdict.headers)


async def start_of(grant: Grant, start: Start) -> int | Position:
    """What a stream starts after: in a chat, the number of an event (see ChatFeed)."""
    if isinstance(start, Position):
        return start
    seq, member_seq = start
    if grant.audience is Audience.EVERYONE or (seq == 0 and member_seq is None):
        return seq
    if member_seq is None:  # as of that seq
        assert grant.chat_id is not None
        return await log_reader.LOG_POOL.call(log_reader.total_at, grant.chat_id, seq)
    return LogPosition(seq, member_seq).total


async def serve(
    admission: Admission,
    change_count: int,
    after: int | Position,
    present_in: tuple[int, ...],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Stream until the client disconnects or the stream is ended."""
    with identified(scope) as identifier:
        headers = {"X-Request-ID": identifier, **admission.verdict.headers}
    writer = Writer(
        scope, send, [*HEADERS, *((k.encode(), v.encode()) for k, v in headers.items())]
    )
    number, since = (after, None) if isinstance(after, int) else (0, after)
    subscriber = Subscriber(admission.grant, writer, number, admission.head, present_in)
    hub().add(subscriber, change_count)
    running = asyncio.ensure_future(hub().run(subscriber, since))
    disconnection = asyncio.ensure_future(disconnected(receive))
    try:
        with on_shutdown(scope, lambda: writer.end(retry_field(*RETRY_MILLISECONDS))):
            await asyncio.wait({running, disconnection}, return_when="FIRST_COMPLETED")
            if not disconnection.done():
                await running
                await disconnection
    finally:
        running.cancel()
        disconnection.cancel()
        hub().remove(subscriber)


async def answer_retry(send: Send) -> None:
    """Answer an empty stream with a retry delay.

    An EventSource gives up after an error, but reconnects after a stream that ends.
    """
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": retry_field(*RETRY_MILLISECONDS)})
