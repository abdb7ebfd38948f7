"""The OpenAPI descriptions of the streams, and of the events of all chats."""

from drf_spectacular.utils import OpenApiParameter

from chatapi.api.schema.describe import Operation, Response, describe
from chats.schema.examples.events import ALL_EVENT, STREAMED
from chats.serializers.events import STREAM_EVENT, AllEventsQuery, AllEventsSerializer

STREAM = Response(STREAM_EVENT, STREAMED, "")
STREAM_RULES = (
    "With `Accept: text/event-stream`, the response is a stream: first the logged events after "
    "the requested position, then new ones as they happen. `typing`, `read` and `presence` are "
    "ephemeral and have no `id:`. A comment is sent every 15 seconds; `retry:` is the delay "
    "before reconnecting. When the token is revoked or expires, `bye` is sent within 5 seconds "
    "and the stream ends."
)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="Streams only: the `id:` of the last event received. Takes precedence over "
    "`after`.",
)
CHAT_USER_TOKEN = OpenApiParameter(
    "chat_user_token",
    str,
    description="Streams only: a chat-user token, for a browser's EventSource, which cannot "
    "send headers.",
)

events = describe(
    "events",
    "Events",
    list=Operation(
        "List or stream the events of all chats",
        {
            200: Response(
                AllEventsSerializer,
                {
                    "A message": {"data": [ALL_EVENT], "last_id": ALL_EVENT["id"]},
                    "Nothing yet": {"data": [], "last_id": "2021-07-05T09:31:38.000000Z_0_0"},
                },
                "The events after `after`, oldest first. With `Accept: text/event-stream`, the "
                "same events as a stream; each `data:` line is a `StreamEvent`.",
            ),
            (200, "text/event-stream"): STREAM,
        },
        "The events of all chats of the account's companies. Each event is delivered at least "
        "once; drop those whose `id` you have already received. To get the next events, send "
        "`last_id` as `after`.\n\n"
        f"{STREAM_RULES} The `id:` of an event is its `id` in JSON.",
        query=AllEventsQuery,
        parameters=(LAST_EVENT_ID,),
        id="all_events",
    ),
)
