"""`GET /api/chats/{id}/events?wait=…`: the same answer as without `wait`, when there is one.

The view answers at once, and is asked again when something has happened: it alone knows who may
read what. In between nobody holds a thread or a connection.
"""

import asyncio
import re
from typing import Any

import orjson

from chatapi.intake import App, Message, Receive, Scope, Send, disconnected, on_shutdown
from chats.stream.hub import hub

EVENTS = re.compile(r"/api/chats/([1-9][0-9]{0,18})/events")
# The last value counts, as for the view, which refuses more than 30 seconds.
WAIT = re.compile(rb"(?:^|.*&)wait=(\d{1,2})(?!.*&wait=)(?:&|$)")
MOST_SECONDS = 30
MOST_WAITING = 5_000  # in one process; who comes then is answered at once


class LongPoll:
    """Holds back an empty page of events until there is one, or until the time is up."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = seconds_to_wait(scope)
        if not seconds or self.waiting >= MOST_WAITING:
            await self.app(scope, receive, send)
            return
        chat_id = int(scope["path"].split("/")[3])
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        gone = asyncio.ensure_future(disconnected(receive))
        closing: asyncio.Future[None] = loop.create_future()
        self.waiting += 1
        try:
            with on_shutdown(scope, lambda: closing.set_result(None)):
                while True:
                    answer = await ask(self.app, scope)
                    left = deadline - loop.time()
                    page = page_of(answer)
                    if page is None or page["data"] or left <= 0 or closing.done():
                        break
                    news = asyncio.ensure_future(hub().wait(chat_id, page["last_seq"]))
                    # When the time is up it is asked once more: the token may have died meanwhile.
                    await asyncio.wait(
                        {news, gone, closing}, timeout=left, return_when="FIRST_COMPLETED"
                    )
                    news.cancel()
                    if gone.done():
                        return
            for message in answer:
                await send(message)
        finally:
            self.waiting -= 1
            gone.cancel()


def seconds_to_wait(scope: Scope) -> int:
    """How long the request is willing to wait; 0 when it is none that waits."""
    if scope["type"] != "http" or scope["method"] != "GET" or not EVENTS.fullmatch(scope["path"]):
        return 0
    wait = WAIT.match(scope["query_string"])
    seconds = int(wait[1]) if wait else 0
    return seconds if seconds <= MOST_SECONDS else 0


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
