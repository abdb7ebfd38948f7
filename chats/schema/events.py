"""The OpenAPI descriptions of the streams, and of the events of all chats."""

from drf_spectacular.utils import OpenApiParameter

from chatapi.api.schema.describe import Operation, Response, describe
from chats.schema.examples.events import ALL_EVENT, STREAMED
from chats.serializers.events import STREAM_EVENT, AllEventsQuery, AllEventsSerializer

STREAM = Response(STREAM_EVENT, STREAMED, "")
STREAM_RULES = (
    "With `Accept: text/event-stream` it is a stream: what is in the log after the place that is "
    "asked for, then what happens. `typing`, `read` and `presence` pass by, without an `id:`. A "
    "comment comes every 15 seconds; `retry:` says when to come back after a connection broke. "
    "When the token dies, `bye` comes within 5 seconds and the stream ends."
)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="For streams: the `id:` of the last event one had. It counts more than `after`.",
)
CHAT_USER_TOKEN = OpenApiParameter(
    "chat_user_token",
    str,
    description="For streams: a chat-user token, where a browser's EventSource can send no header.",
)

events = describe(
    "events",
    "Events",
    list=Operation(
        "Read what happens in all chats",
        {
            200: Response(
                AllEventsSerializer,
                {
                    "A message": {"data": [ALL_EVENT], "last_id": ALL_EVENT["id"]},
                    "Nothing yet": {"data": [], "last_id": "2021-07-05T09:31:38.000000Z_0_0"},
                },
                "The events after `after`, oldest first. With `Accept: text/event-stream` the "
                "same as a stream: each of its `data:` lines is a `StreamEvent`.",
            ),
            (200, "text/event-stream"): STREAM,
        },
        "What happens in the chats of the account's companies, each event at least once: drop "
        "those whose `id` you have had. Ask with `last_id` as `after` for what follows.\n\n"
        f"{STREAM_RULES} The `id:` of an event is its `id` here.",
        query=AllEventsQuery,
        parameters=(LAST_EVENT_ID,),
        id="all_events",
    ),
)
