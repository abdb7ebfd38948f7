"""The OpenAPI schema of saved replies."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.schema.describe import Operation, Response, describe, page, page_of
from companies.serializers.replies import SavedRepliesQuery, SavedReplyInput, SavedReplySerializer

REPLY: dict[str, Any] = {
    "id": 5,
    "company_id": 3,
    "title": "Opening hours",
    "text": "We are here from Monday to Friday, 9 to 17.",
    "created_at": "2021-07-03T08:00:00.000000Z",
    "updated_at": "2021-07-03T08:00:00.000000Z",
}


replies_schema = describe(
    "saved_replies",
    "Saved replies",
    list=Operation(
        "List saved replies",
        {
            200: Response(
                page_of(SavedReplySerializer),
                {"One reply": page("/api/companies/3/replies", REPLY)},
                "The company's saved replies, sorted by title.",
            )
        },
        query=SavedRepliesQuery,
    ),
    create=Operation(
        "Create a saved reply",
        {201: Response(SavedReplySerializer, {"Opening hours": REPLY}, "The new saved reply.")},
        "For managers and owners. A company can have at most 200 saved replies; titles must be "
        "unique.",
        request=SavedReplyInput,
        examples={"Opening hours": {"title": REPLY["title"], "text": REPLY["text"]}},
    ),
    retrieve=Operation(
        "Get a saved reply",
        {200: Response(SavedReplySerializer, {"Opening hours": REPLY}, "The saved reply.")},
    ),
    update=Operation(
        "Update a saved reply",
        {
            200: Response(
                SavedReplySerializer,
                {"Reworded": {**REPLY, "text": "We are here from 9 to 17."}},
                "The updated saved reply.",
            )
        },
        "For managers and owners. Omitted fields keep their values.",
        request=SavedReplyInput,
        examples={"Reword": {"text": "We are here from 9 to 17."}},
    ),
    destroy=Operation(
        "Delete a saved reply",
        {200: Response(SavedReplySerializer, {"Deleted": REPLY}, "The deleted saved reply.")},
        "For managers and owners.",
    ),
)
