"""Parse requests for streams."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from chatapi.api.ids import parse_id, parse_ids
from chatapi.server.asgi_types import Scope
from chats.hints import MAX_PRESENT_IN, Position, parse_log_position
from chats.models import ChatUserToken

CHAT_EVENTS = re.compile(r"/api/chats/([0-9]+)/events")
ALL_EVENTS = "/api/events"
ACCEPTS = re.compile(rb"(^|,)\s*text/event-stream\s*(;|,|$)", re.IGNORECASE)


# In a chat, a seq, with the number in the members' log if it is known; among all chats, a position.
Start = tuple[int, int | None] | Position


class StreamRequest(NamedTuple):
    """A request for the stream of one chat or, with `chat_id` None, of all chats.

    `after` is unparsed. `rest` is the query without the token and the position. `present_in`
    lists the chats that the client has open, for a stream of all chats.
    """

    chat_id: int | None
    token: str
    after: str
    rest: list[tuple[str, str]]
    present_in: tuple[int, ...] | None = ()  # None when the parameter is invalid


def parse_request(scope: Scope) -> StreamRequest | None:
    """Parse a request for a stream; None for any other request. The view reports errors."""
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
        # Parsing this many fields would block the event loop. The view refuses it unparsed.
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
    # An invalid remembered id is ignored: after an error, an EventSource would not reconnect.
    # Some polyfills cannot send the header and use `lastEventId` instead.
    header = headers.get(b"last-event-id", b"").decode("latin-1")
    last_event_id = (
        each
        for each in (header, sent.get("lastEventId", ""))
        if each and parse_after(chat_id, each, token) is not None
    )
    return StreamRequest(
        chat_id,
        token.strip(),
        next(last_event_id, sent.get("after", "")),
        [each for each in query if each[0] not in {"chat_user_token", "after", "lastEventId"}],
        parse_ids(sent.get("present_in", ""), MAX_PRESENT_IN) if chat_id is None else (),
    )


def parse_after(chat_id: int | None, text: str, token: str) -> Start | None:
    """The start of a stream; None when the text is invalid for this token.

    Without a text, it is the beginning of a chat's log or, for a stream of all chats, now.
    """
    if chat_id is not None:
        start = parse_log_position(text or "0")
        if start is not None and start[1] is not None and token.startswith(ChatUserToken.PREFIX):
            return None
        return start
    if not text:
        return (0, None)
    try:
        return Position.parse(text)
    except ValueError:
        return None


def to_view_scope(request: StreamRequest, scope: Scope) -> Scope:
    """The request as the view expects it: the token in a header, the position as `after`."""
    headers = scope["headers"]
    if request.token and not any(name == b"authorization" for name, _ in headers):
        headers = [*headers, (b"authorization", f"Bearer {request.token}".encode())]
    query = request.rest + ([("after", request.after)] if request.after else [])
    return {**scope, "headers": headers, "query_string": urlencode(query).encode()}
