"""The OpenAPI description of the search."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Resource, describe, page
from chats.schema.examples.chats import CHAT_BRIEF
from chats.schema.examples.messages import MESSAGE
from chats.schema.examples.notes import NOTE
from chats.serializers.search import HitSerializer, SearchQuery

HIT = {
    "chat": CHAT_BRIEF,
    "message": MESSAGE,
    "ranges": [[23, 6], [33, 4]],
}
NOTE_HIT = {"chat": CHAT_BRIEF, "message": None, "note": NOTE, "ranges": [[10, 7]]}
PAGE = {
    **page("/api/search", HIT),
    "first_page_url": "https://chat.example.com/api/search?q=change+book",
}

search = describe(
    "search",
    "Messages",
    Resource("hit", "hits", HitSerializer),
    list=Operation(
        "Search messages",
        shown={
            "For `q=change book`": PAGE,
            "For `q=regular`, by a member": {
                **page("/api/search", NOTE_HIT),
                "first_page_url": "https://chat.example.com/api/search?q=regular",
            },
        },
        answer="The messages and notes that match, best first; with `order=newest`, newest first.",
        description="A chat user searches their own chat, a member all chats and notes of their "
        "companies. All words of `q` must be in the text. Case, accents and Unicode forms make no "
        "difference. "
        "The last word may be the start of a longer one. In scripts without spaces, such as "
        "Chinese, any part of a text is found. Everything but letters and digits separates words.",
        query=SearchQuery,
        errors=(ErrorCode.OTHER_CHAT, ErrorCode.QUERY_TIMEOUT),
    ),
)
