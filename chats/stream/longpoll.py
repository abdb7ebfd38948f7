"""`GET /api/chats/{id}/events?wait=…`: hold back an empty answer until there is an event.

The view is called first: it alone decides who may read what. If it finds no events, the request
waits for the chat's feed, without a thread or a database connection, and is answered with the
events of the feed. One query checks the tokens of all requests that wake up together. The view is
called again only when the token has ended, or when the feed lacks some of the events.

A long poll is an ordinary request, so LIMIT_READ counts it. While it waits it also counts as an
open stream: the caps apply to both together.
"""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from django.db import Error

from chatapi.api.views import read
from chatapi.server.asgi_types import App, Message, Receive, Scope, Send
from chatapi.server.hooks import disconnected, on_shutdown
from chats.access.grants import Grant
from chats.hints import Hint, LogPosition
from chats.models.events import Audience
from chats.serializers.events import START, MemberEventsQuery
from chats.stream.caps import Caps, refuse
from chats.stream.chat_feed import Frames
from chats.stream.hub import hub

EVENTS = re.compile(r"/api/chats/([1-9][0-9]{0,18})/events")
MAX_SECONDS = 30

Answer = list[Message]
Page = dict[str, Any]
Future = asyncio.Future[None]


class LongPoll:
    """Holds back an empty page of events until there is an event or the time is up."""

    def __init__(self, app: App, caps: Caps | None = None) -> None:
        self.app = app
        self.caps = caps or Caps()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = seconds_to_wait(scope)
        if not seconds:
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + seconds
        disconnection = asyncio.ensure_future(disconnected(receive))
        try:
            answer = await call_app(self.app, scope)
            page = parse_page(answer)
            if page is not None and not page["data"]:
                try:
                    answer = await self.wait(scope, answer, page, deadline, disconnection)
                except TooManyOpenError:
                    await refuse(scope, send, rate_limits(answer))
                    return
                except Error:  # the database is down: the view renders the error
                    answer = await call_app(self.app, scope)
            if not disconnection.done():
                for message in answer:
                    await send(message)
        finally:
            disconnection.cancel()

    async def wait(
        self, scope: Scope, empty: Answer, page: Page, deadline: float, disconnection: Future
    ) -> Answer:
        """The answer to send instead of `empty`, which has this page."""
        chat_id = int(scope["path"].split("/")[3])
        grant = await hub().grant_for(token_of(scope), chat_id)
        if grant is None:  # it has just ended
            return await call_app(self.app, scope)
        with self.caps.slot(grant.limit_key, scope) as allowed:
            if not allowed:
                raise TooManyOpenError
            query = query_of(scope)
            seq, member_seq = query.get("after", START)
            head = LogPosition(page["last_seq"], page.get("last_member_seq", 0)).total
            after = max(LogPosition(seq, member_seq or 0).total, head)
            is_over, frames = await wait_for_events(scope, grant, after, deadline, disconnection)
            if disconnection.done():
                return empty
            if await hub().is_still_valid(grant):
                if grant.audience is Audience.MEMBERS and member_seq is None:
                    # The page held back what this reader cannot tell from what it has read.
                    if not is_over:
                        return await call_app(self.app, without_waiting(scope))
                elif frames:
                    return build_page(empty, frames, query["limit"], grant.audience)
                if is_over and after == head:
                    return empty
        return await call_app(self.app, scope)


class TooManyOpenError(Exception):
    """A cap is reached, so this request may not wait."""


async def wait_for_events(
    scope: Scope, grant: Grant, after: int, deadline: float, disconnection: Future
) -> tuple[bool, Frames | None]:
    """Wait for an event after the one with the number `after`.

    Returns whether the time is up or the server is shutting down, and the events if the feed has
    all of them.
    """
    loop = asyncio.get_running_loop()
    closing: Future = loop.create_future()
    assert grant.chat_id is not None
    events_task = asyncio.ensure_future(hub().wait(grant.chat_id, after, grant.audience))
    try:
        with on_shutdown(scope, lambda: closing.set_result(None)):
            first: set[asyncio.Future[Any]] = {events_task, disconnection, closing}
            left = deadline - loop.time()
            await asyncio.wait(first, timeout=left, return_when="FIRST_COMPLETED")
        return (False, events_task.result()) if events_task.done() else (True, None)
    finally:
        events_task.cancel()


# --- Requests --------------------------------------------------------------------------------


def seconds_to_wait(scope: Scope) -> int:
    """How long a request may wait; 0 when it is not a long poll."""
    if scope["type"] != "http" or scope["method"] != "GET" or not EVENTS.fullmatch(scope["path"]):
        return 0
    wait = last_value(scope["query_string"], b"wait")
    # The view refuses anything but a number up to 30.
    seconds = int(wait) if len(wait) <= 2 and wait.isdigit() else 0
    return seconds if seconds <= MAX_SECONDS else 0


def last_value(query: bytes, name: bytes) -> bytes:
    """The raw last value of a parameter, which is the one that the view uses.

    Every request passes through here, so this must take linear time.
    """
    _, found, value = (b"&" + query).rpartition(b"&" + name + b"=")
    return value.partition(b"&")[0] if found else b""


def token_of(scope: Scope) -> str:
    """The bearer token; the view has accepted it."""
    header: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return header.decode("latin-1").partition(" ")[2].strip()


def query_of(scope: Scope) -> dict[str, Any]:
    """The query, which the view has accepted."""
    sent = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    found: dict[str, Any] = read(MemberEventsQuery, sent)
    return found


def without_waiting(scope: Scope) -> Scope:
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = urlencode([each for each in query if each[0] != "wait"])
    return {**scope, "query_string": kept.encode()}


# --- Answers ---------------------------------------------------------------------------------


async def call_app(app: App, scope: Scope) -> Answer:
    """The complete answer of `app` to a request without a body."""
    answer: Answer = []
    sent_request = False

    async def receive() -> Message:
        nonlocal sent_request
        if sent_request:
            await asyncio.Event().wait()  # LongPoll notices when the client disconnects
        sent_request = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, send)
    return answer


def parse_page(answer: Answer) -> Page | None:
    """The page of events in an answer; None when the answer is an error."""
    if answer[0]["status"] != 200:
        return None
    page: Page = orjson.loads(b"".join(m.get("body", b"") for m in answer[1:]))
    return page


def build_page(empty: Answer, frames: Frames, limit: int, audience: Audience) -> Answer:
    """The empty answer, with these events."""
    events = b",".join(Hint.event_json(frame) for _, frame in frames[:limit])
    newest = LogPosition.of_frame(frames[-1][1])
    content = b'{"data":[%b],"last_seq":%d' % (events, newest.seq)
    if audience is Audience.MEMBERS:
        last = LogPosition.of_frame(frames[:limit][-1][1])
        content += b',"last_member_seq":%d,"last_id":"%b"' % (
            newest.member_seq,
            last.whole.encode(),
        )
    content += b"}"
    kept = [(name, value) for name, value in empty[0]["headers"] if name != b"content-length"]
    length = (b"content-length", str(len(content)).encode())
    return [
        {**empty[0], "headers": [*kept, length]},
        {"type": "http.response.body", "body": content},
    ]


def rate_limits(answer: Answer) -> dict[str, str]:
    """The rate-limit headers of an answer."""
    headers = [(name.decode().lower(), value.decode()) for name, value in answer[0]["headers"]]
    return {name: value for name, value in headers if name.startswith("x-ratelimit-")}
