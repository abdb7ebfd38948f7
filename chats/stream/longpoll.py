"""`GET /api/chats/{id}/events?wait=…`: the same answer as without `wait`, when there is one.

The view answers at once: it alone decides who may read what. If it has nothing, the request waits
for the chat's feed, without a thread or a connection, and is answered with the events that the feed
has. Whether its token is still valid is asked in one query for all that wake up together. The view
is asked again only when the token has ended, or when the feed does not have all of the events.

A long poll is an ordinary request, so LIMIT_READ counts it. While it waits, it is counted as an
open stream too: the caps hold for both together.
"""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.db import Error

from chatapi.api.views import read
from chatapi.server.body import App, Message, Receive, Scope, Send, disconnected, on_shutdown
from chats.hints import Hint
from chats.serializers.events import EventsQuery
from chats.stream.caps import Caps, refuse
from chats.stream.chat_feed import Frames
from chats.stream.hub import hub

EVENTS = re.compile(r"/api/chats/([1-9][0-9]{0,18})/events")
MAX_SECONDS = 30

Answer = list[Message]
Future = asyncio.Future[None]


class LongPoll:
    """Holds back an empty page of events until there is one, or until the time is up."""

    def __init__(self, app: App, caps: Caps | None = None) -> None:
        self.app = app
        self.caps = caps or Caps()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = seconds_to_wait(scope)
        if not seconds:
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + seconds
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            answer = await call_app(self.app, scope)
            page = parse_page(answer)
            if page is not None and not page["data"]:
                try:
                    answer = await self.wait(scope, answer, page["last_seq"], deadline, gone)
                except TooManyOpenError:
                    await refuse(scope, send, rate_limits(answer))
                    return
                except Error:  # no database: the view has words for it
                    answer = await call_app(self.app, scope)
            if not gone.done():
                for message in answer:
                    await send(message)
        finally:
            gone.cancel()

    async def wait(
        self, scope: Scope, empty: Answer, head: int, deadline: float, gone: Future
    ) -> Answer:
        """The answer to give instead of the `empty` one of a chat whose newest event is `head`."""
        chat_id = int(scope["path"].split("/")[3])
        grant = await hub().grant_for(token_of(scope), chat_id)
        if grant is None:  # it has ended in this moment
            return await call_app(self.app, scope)
        with self.caps.slot(grant.limit_key, scope) as allowed:
            if not allowed:
                raise TooManyOpenError
            query = query_of(scope)
            after = max(query["after"], head)
            is_over, frames = await wait_for_events(scope, chat_id, after, deadline, gone)
            if gone.done():
                return empty
            if await hub().is_still_valid(grant):
                if frames:
                    return build_page(empty, frames, query["limit"])
                if is_over and after == head:
                    return empty
        return await call_app(self.app, scope)


class TooManyOpenError(Exception):
    """So many are open that this one may not wait."""


async def wait_for_events(
    scope: Scope, chat_id: int, after: int, deadline: float, gone: Future
) -> tuple[bool, Frames | None]:
    """Whether the time is up or the server is going, and the events after `after` if they are at
    hand."""
    loop = asyncio.get_running_loop()
    closing: Future = loop.create_future()
    news = asyncio.ensure_future(hub().wait(chat_id, after))
    try:
        with on_shutdown(scope, lambda: closing.set_result(None)):
            first: set[asyncio.Future[Any]] = {news, gone, closing}
            left = deadline - loop.time()
            await asyncio.wait(first, timeout=left, return_when="FIRST_COMPLETED")
        return (False, news.result()) if news.done() else (True, None)
    finally:
        news.cancel()


# --- What is asked for -----------------------------------------------------------------------


def seconds_to_wait(scope: Scope) -> int:
    """How long the request is willing to wait; 0 when it is none that waits."""
    if scope["type"] != "http" or scope["method"] != "GET" or not EVENTS.fullmatch(scope["path"]):
        return 0
    wait = last_value(scope["query_string"], b"wait")
    # The view refuses what is no number, or more than 30 seconds.
    seconds = int(wait) if len(wait) <= 2 and wait.isdigit() else 0
    return seconds if seconds <= MAX_SECONDS else 0


def last_value(query: bytes, name: bytes) -> bytes:
    """The last value of a parameter, which counts for the view too, as it was sent.

    Every request passes here unread, so this takes time in proportion to the query's length.
    """
    _, found, value = (b"&" + query).rpartition(b"&" + name + b"=")
    return value.partition(b"&")[0] if found else b""


def token_of(scope: Scope) -> str:
    """The bearer token, which the view has accepted."""
    header: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return header.decode("latin-1").partition(" ")[2].strip()


def query_of(scope: Scope) -> dict[str, Any]:
    """The query as the view has read it."""
    sent = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    found: dict[str, Any] = read(EventsQuery, sent)
    return found


# --- What is answered ------------------------------------------------------------------------


async def call_app(app: App, scope: Scope) -> Answer:
    """The whole answer of `app` to a request without a body."""
    answer: Answer = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # the client's going is noticed outside
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, send)
    return answer


def parse_page(answer: Answer) -> dict[str, Any] | None:
    """The page of events in an answer, None when it is an error."""
    if answer[0]["status"] != 200:
        return None
    page: dict[str, Any] = orjson.loads(b"".join(m.get("body", b"") for m in answer[1:]))
    return page


def build_page(empty: Answer, frames: Frames, limit: int) -> Answer:
    """The answer that had no events, with these."""
    events = b",".join(Hint.json_in(frame) for _, frame in frames[:limit])
    content = b'{"data":[%b],"last_seq":%d}' % (events, frames[-1][0])
    kept = [(name, value) for name, value in empty[0]["headers"] if name != b"content-length"]
    length = (b"content-length", str(len(content)).encode())
    return [
        {**empty[0], "headers": [*kept, length]},
        {"type": "http.response.body", "body": content},
    ]


def rate_limits(answer: Answer) -> dict[str, str]:
    """The headers of an answer that tell of the token's rate limit."""
    headers = [(name.decode().lower(), value.decode()) for name, value in answer[0]["headers"]]
    return {name: value for name, value in headers if name.startswith("x-ratelimit-")}
