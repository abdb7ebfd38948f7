"""The OpenAPI schema of saved replies."""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.schema.describe import Operation, Resource, describe, page
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
    Resource("saved reply", "saved replies", SavedReplySerializer),
    list=Operation(
        shown={"One reply": page("/api/companies/3/replies", REPLY)},
        answer="The company's saved replies, sorted by title.",
        query=SavedRepliesQuery,
    ),
    create=Operation(
        shown={"Opening hours": REPLY},
        description="A company can have at most 200 saved replies; titles must be unique.",
        request=SavedReplyInput,
        examples={"Opening hours": {"title": REPLY["title"], "text": REPLY["text"]}},
    ),
    retrieve=Operation(shown={"Opening hours": REPLY}),
    update=Operation(
        shown={"Reworded": {**REPLY, "text": "We are here from 9 to 17."}},
        description="Omitted fields keep their values.",
        request=SavedReplyInput,
        examples={"Reword": {"text": "We are here from 9 to 17."}},
    ),
    destroy=Operation(shown={"Deleted": REPLY}),
)
