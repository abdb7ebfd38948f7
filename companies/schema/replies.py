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
        "Get all",
        {
            200: Response(
                page_of(SavedReplySerializer),
                {"One reply": page("/api/companies/3/replies", REPLY)},
                "The answers that the company has prepared, by title.",
            )
        },
        query=SavedRepliesQuery,
    ),
    create=Operation(
        "Create",
        {201: Response(SavedReplySerializer, {"Opening hours": REPLY}, "The new reply.")},
        "Managers and owners. A company has at most 200; a title is there once.",
        request=SavedReplyInput,
        examples={"Opening hours": {"title": REPLY["title"], "text": REPLY["text"]}},
        replays=True,
    ),
    retrieve=Operation(
        "Get single by id",
        {200: Response(SavedReplySerializer, {"Opening hours": REPLY}, "The reply.")},
    ),
    update=Operation(
        "Edit",
        {
            200: Response(
                SavedReplySerializer,
                {"Reworded": {**REPLY, "text": "We are here from 9 to 17."}},
                "The reply as it is now.",
            )
        },
        "Managers and owners. Fields that are not sent stay as they are.",
        request=SavedReplyInput,
        examples={"Reword": {"text": "We are here from 9 to 17."}},
    ),
    destroy=Operation(
        "Delete",
        {200: Response(SavedReplySerializer, {"Deleted": REPLY}, "The reply that was deleted.")},
        "Managers and owners.",
    ),
)
