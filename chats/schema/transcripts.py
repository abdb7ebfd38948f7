"""The OpenAPI descriptions of transcripts and their keys."""

from typing import Any

from drf_spectacular.types import OpenApiTypes

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Response, describe
from chats.schema.examples.transcripts import AS_HTML, AS_TEXT, KEYS, TRANSCRIPT
from chats.serializers.transcripts import (
    TranscriptInput,
    TranscriptKeysSerializer,
    TranscriptMailSerializer,
    TranscriptQuery,
    TranscriptSerializer,
)

TEXT: Any = OpenApiTypes.STR

transcripts = describe(
    "transcript",
    "Transcripts",
    retrieve=Operation(
        "Download a transcript",
        {
            200: Response(
                TranscriptSerializer,
                {"A transcript": TRANSCRIPT},
                "The transcript, as a file to download.",
            ),
            (200, "text/plain"): Response(TEXT, {"A transcript": AS_TEXT}, ""),
            (200, "text/html"): Response(TEXT, {"A transcript": AS_HTML}, ""),
        },
        "For chat users and members. The transcript has all events of the chat's log, with what "
        "they said when they happened. Deleted texts are withheld, and earlier texts of edited "
        "messages from all but members. Notes are in no transcript. The entries are chained by "
        "hashes, and the last hash is signed with the people and the list of withheld entries. "
        "`docs/transcripts.md` has the rules by which anyone can verify it. It counts as "
        "an expensive read.",
        query=TranscriptQuery,
        errors=(ErrorCode.QUERY_TIMEOUT,),
    ),
    create=Operation(
        "Mail a transcript",
        {
            202: Response(
                TranscriptMailSerializer,
                {"Accepted": {"chat_id": 42, "email": "gina@example.com"}},
                "The mail is on its way.",
            )
        },
        "A chat user can have it mailed to their own address, if it is verified; a member to any "
        "member of the company, and to chat users whose address is verified. The token also needs "
        "the scope `read`. An address gets five an hour from one chat.",
        request=TranscriptInput,
        examples={"To oneself": {}, "By a member": {"email": "gina@example.com"}},
    ),
)

transcript_keys = describe(
    "transcript_keys",
    "Transcripts",
    retrieve=Operation(
        "Get the keys of transcripts",
        {200: Response(TranscriptKeysSerializer, {"One key": KEYS}, "A JWKS (RFC 8037).")},
        "The public keys that verify transcripts, newest first. No token is needed.",
    ),
)
