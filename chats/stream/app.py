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
from chats.stream.caps import Caps, refuse
from chats.stream.door import Entry
from chats.stream.hub import hub
from chats.stream.outlet import Outlet, retry
from chats.stream.stream import Stream

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


COME_BACK = 500, 5000  # milliseconds in which those whom a server sends away come back


class Asked(NamedTuple):
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
        asked = asks_for_stream(scope)
        if asked is None:
            await self.app(scope, receive, send)
            return
        after = parse_place(asked.chat_id, asked.after)
        if after is None or asked.present_in is None or not tokens.well_formed(asked.token):
            await self.app(as_for_view(asked, scope), receive, send)
            return
        try:
            entry, changes = await hub().admit(asked.token, asked.chat_id)
        except Error as error:
            logger.warning("nobody can be let in, they are asked to come back: %s", error)
            await come_back(send)
            return
        if entry is None:
            await self.app(as_for_view(asked, scope), receive, send)
            return
        hub().note_use(entry)
        if not entry.verdict.allowed:
            await refuse(scope, send, entry.verdict.headers, entry.verdict.retry_after)
            return
        with self.caps.entered(entry.grant.limit_key, scope) as allowed:
            if allowed:
                await serve(entry, changes, after, asked.present_in, scope, receive, send)
            else:
                await refuse(scope, send, entry.verdict.headers)


async def serve(
    entry: Entry,
    changes: int,
    after: int | Position,
    present_in: tuple[int, ...],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Stream until the reader goes, or is sent away."""
    with identified(scope) as identifier:
        told = {"X-Request-ID": identifier, **entry.verdict.headers}
    outlet = Outlet(scope, send, [*HEADERS, *((k.encode(), v.encode()) for k, v in told.items())])
    seq, since = (after, None) if isinstance(after, int) else (0, after)
    stream = Stream(entry.grant, outlet, seq, entry.head, present_in)
    hub().open(stream, changes)
    running = asyncio.ensure_future(hub().run(stream, since))
    gone = asyncio.ensure_future(disconnected(receive))
    try:
        with on_shutdown(scope, lambda: outlet.end(retry(*COME_BACK))):
            await asyncio.wait({running, gone}, return_when="FIRST_COMPLETED")
            if not gone.done():
                await running
                await gone
    finally:
        running.cancel()
        gone.cancel()
        hub().close(stream)


# --- What is asked for -----------------------------------------------------------------------


def asks_for_stream(scope: Scope) -> Asked | None:
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
        return Asked(chat_id, "", "", [("", "")] * settings.DATA_UPLOAD_MAX_NUMBER_FIELDS * 2)
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
        if kept and parse_place(chat_id, kept) is not None
    )
    return Asked(
        chat_id,
        token.strip(),
        next(remembered, sent.get("after", "")),
        [each for each in query if each[0] not in {"chat_user_token", "after", "lastEventId"}],
        parse_ids(sent.get("present_in", ""), MAX_PRESENT_IN) if chat_id is None else (),
    )


def parse_place(chat_id: int | None, text: str) -> int | Position | None:
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


def as_for_view(asked: Asked, scope: Scope) -> Scope:
    """The request as the view takes it: the token in its header, the place as `after`."""
    headers = scope["headers"]
    if asked.token and not any(name == b"authorization" for name, _ in headers):
        headers = [*headers, (b"authorization", f"Bearer {asked.token}".encode())]
    query = asked.rest + ([("after", asked.after)] if asked.after else [])
    return {**scope, "headers": headers, "query_string": urlencode(query).encode()}


async def come_back(send: Send) -> None:
    """An empty stream: an EventSource takes any error for good, and the end of one for a pause."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": retry(*COME_BACK)})
