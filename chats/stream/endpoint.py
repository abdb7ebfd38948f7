"""`GET /api/chats/{id}/events` and `GET /api/events` as `text/event-stream`.

An ASGI application before Django: a stream holds no thread and no connection to the database. Who
may not have one is told why by the view of the same route, in the API's words.
"""

import asyncio
import logging
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.db import Error

from chatapi.api import tokens
from chatapi.api.ids import parse_id, parse_ids
from chatapi.server.body import App, Receive, Scope, Send, disconnected, identified, on_shutdown
from chats.hints import MAX_PRESENT_IN, Position
from chats.models import ChatUserToken
from chats.stream.admission import Admission
from chats.stream.caps import Caps, refuse
from chats.stream.hub import hub
from chats.stream.subscriber import Subscriber
from chats.stream.writer import Writer, retry_field

logger = logging.getLogger(__name__)

CHAT_EVENTS = re.compile(r"/api/chats/([0-9]+)/events")
ALL_EVENTS = "/api/events"
ACCEPTS = re.compile(rb"(^|,)\s*text/event-stream\s*(;|,|$)", re.IGNORECASE)
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # Not kept, not compressed and not held back on the way.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", ", ".join(settings.CORS_EXPOSE_HEADERS).encode()),
]


RETRY_MILLISECONDS = 500, 5000  # milliseconds in which those whom a server sends away come back


class StreamRequest(NamedTuple):
    """A request for a stream. `after` is as it was sent; `rest` of the query is for the view.

    `present_in` are the chats that the reader has open, for a stream of many chats."""

    chat_id: int | None
    token: str
    after: str
    rest: list[tuple[str, str]]
    present_in: tuple[int, ...] | None = ()  # None when what was sent is no list of ids


class EventStream:
    """Answers requests for streams, and hands all else to `app`."""

    def __init__(self, app: App, caps: Caps | None = None) -> None:
        self.app = app
        self.caps = caps or Caps()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parse_request(scope)
        if asked is None:
            await self.app(scope, receive, send)
            return
        after = parse_after(asked.chat_id, asked.after)
        if after is None or asked.present_in is None or not tokens.well_formed(asked.token):
            await self.app(to_view_scope(asked, scope), receive, send)
            return
        try:
            admission, change_count = await hub().admit(asked.token, asked.chat_id)
        except Error as error:
            logger.warning("nobody can be let in, they are asked to come back: %s", error)
            await answer_retry(send)
            return
        if admission is None:
            await self.app(to_view_scope(asked, scope), receive, send)
            return
        hub().record_use(admission)
        if not admission.verdict.allowed:
            await refuse(scope, send, admission.verdict.headers, admission.verdict.retry_after)
            return
        with self.caps.slot(admission.grant.limit_key, scope) as allowed:
            if allowed:
                await serve(admission, change_count, after, asked.present_in, scope, receive, send)
            else:
                await refuse(scope, send, admission.verdict.headers)


async def serve(
    admission: Admission,
    change_count: int,
    after: int | Position,
    present_in: tuple[int, ...],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Stream until the reader goes, or is sent away."""
    with identified(scope) as identifier:
        told = {"X-Request-ID": identifier, **admission.verdict.headers}
    writer = Writer(scope, send, [*HEADERS, *((k.encode(), v.encode()) for k, v in told.items())])
    seq, since = (after, None) if isinstance(after, int) else (0, after)
    subscriber = Subscriber(admission.grant, writer, seq, admission.head, present_in)
    hub().add(subscriber, change_count)
    running = asyncio.ensure_future(hub().run(subscriber, since))
    gone = asyncio.ensure_future(disconnected(receive))
    try:
        with on_shutdown(scope, lambda: writer.end(retry_field(*RETRY_MILLISECONDS))):
            await asyncio.wait({running, gone}, return_when="FIRST_COMPLETED")
            if not gone.done():
                await running
                await gone
    finally:
        running.cancel()
        gone.cancel()
        hub().remove(subscriber)


# --- What is asked for -----------------------------------------------------------------------


def parse_request(scope: Scope) -> StreamRequest | None:
    """None when it is something else; the view's errors are good for what is asked wrongly."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    in_chat = CHAT_EVENTS.fullmatch(scope["path"])
    chat_id = parse_id(in_chat[1]) if in_chat else None
    if chat_id is None and scope["path"] != ALL_EVENTS:
        return None
    headers = dict(scope["headers"])
    if not ACCEPTS.search(headers.get(b"accept", b"")):
        return None
    if scope["query_string"].count(b"&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        # Too much to take apart in the event loop. The view refuses it unread.
        return StreamRequest(
            chat_id, "", "", [("", "")] * settings.DATA_UPLOAD_MAX_NUMBER_FIELDS * 2
        )
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    sent = dict(query)  # the last value counts
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if not scheme:
        token = sent.get("chat_user_token", "")
        if not token.startswith(ChatUserToken.PREFIX):
            token = ""
    elif scheme.lower() != "bearer":
        token = ""
    # What a client has kept is taken if it is a place, and otherwise passed over: an EventSource
    # would take a refusal for the end. Some stand-ins for it can send no header.
    header = headers.get(b"last-event-id", b"").decode("latin-1")
    remembered = (
        kept
        for kept in (header, sent.get("lastEventId", ""))
        if kept and parse_after(chat_id, kept) is not None
    )
    return StreamRequest(
        chat_id,
        token.strip(),
        next(remembered, sent.get("after", "")),
        [each for each in query if each[0] not in {"chat_user_token", "after", "lastEventId"}],
        parse_ids(sent.get("present_in", ""), MAX_PRESENT_IN) if chat_id is None else (),
    )


def parse_after(chat_id: int | None, text: str) -> int | Position | None:
    """Where to begin in a chat, or among all chats; None when what was sent is no such place.

    0 is the beginning; of a stream of many chats, now.
    """
    if chat_id is not None:
        return 0 if text in {"", "0"} else parse_id(text)
    if not text:
        return 0
    try:
        return Position.parse(text)
    except ValueError:
        return None


def to_view_scope(asked: StreamRequest, scope: Scope) -> Scope:
    """The request as the view takes it: the token in its header, the place as `after`."""
    headers = scope["headers"]
    if asked.token and not any(name == b"authorization" for name, _ in headers):
        headers = [*headers, (b"authorization", f"Bearer {asked.token}".encode())]
    query = asked.rest + ([("after", asked.after)] if asked.after else [])
    return {**scope, "headers": headers, "query_string": urlencode(query).encode()}


async def answer_retry(send: Send) -> None:
    """An empty stream: an EventSource takes any error for good, and the end of one for a pause."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": retry_field(*RETRY_MILLISECONDS)})
