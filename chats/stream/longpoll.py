"""`GET /api/chats/{id}/events?wait=…`: the same answer as without `wait`, when there is one.

The view answers at once, and is asked again when something has happened: it alone knows who may
read what. In between nobody holds a thread or a connection.
"""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs

import orjson

from chatapi.intake import App, Message, Receive, Scope, Send
from chats.stream.watcher import Watcher

EVENTS = re.compile(r"/api/chats/\d{1,19}/events")
MOST = 30  # seconds; the view refuses more


class LongPoll:
    """Holds back an empty page of events until there is one, or until the time is up."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.watcher = Watcher()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = seconds_to_wait(scope)
        if not wait:
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + wait
        await receive()  # a GET has no body; what comes next is that the client has gone
        gone = asyncio.ensure_future(receive())
        try:
            while True:
                answer = await ask(self.app, scope)
                left = deadline - asyncio.get_running_loop().time()
                page = page_of(answer)
                if page is None or page["data"] or left <= 0:
                    break
                after = int(
                    parse_qs(scope["query_string"].decode("latin-1")).get("after", ["0"])[0]
                )
                news = asyncio.ensure_future(
                    self.watcher.wait(int(scope["path"].split("/")[3]), after)
                )
                await asyncio.wait({news, gone}, timeout=left, return_when="FIRST_COMPLETED")
                if gone.done():
                    news.cancel()
                    return
                if not news.done():
                    news.cancel()
                    break
            for message in answer:
                await send(message)
        finally:
            gone.cancel()


def seconds_to_wait(scope: Scope) -> int:
    """How long the request is willing to wait; 0 when it is none that waits."""
    if scope["type"] != "http" or scope["method"] != "GET" or not EVENTS.fullmatch(scope["path"]):
        return 0
    (wait,) = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1:]
    return int(wait) if wait.isascii() and wait.isdigit() and int(wait) <= MOST else 0


async def ask(app: App, scope: Scope) -> list[Message]:
    """The whole answer of `app` to a request without a body."""
    answer: list[Message] = []
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


def page_of(answer: list[Message]) -> dict[str, Any] | None:
    """The page of events in an answer, None when it is an error."""
    if answer[0]["status"] != 200:
        return None
    page: dict[str, Any] = orjson.loads(b"".join(m.get("body", b"") for m in answer[1:]))
    return page
