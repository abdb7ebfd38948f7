"""The OpenAPI descriptions of attachments."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Resource, Response, describe
from chats.schema.examples.attachments import ATTACHMENT, PROCESSING
from chats.serializers.attachments import AttachmentInput, AttachmentSerializer

attachments = describe(
    "attachments",
    "Attachments",
    Resource("file", "files", AttachmentSerializer),
    create=Operation(
        summary="Upload a file",
        shown={"An image": PROCESSING},
        description="A message shows it with `attachment_ids`; a file that no message claims "
        "within a day is removed. Images, sounds and videos are `processing` for a moment. When a "
        "message has such a file, `attachment.updated` follows.",
        request=AttachmentInput,
        errors=(
            ErrorCode.CHAT_CLOSED,
            ErrorCode.FILE_TOO_LARGE,
            ErrorCode.FILE_TYPE,
            ErrorCode.QUOTA_EXCEEDED,
            ErrorCode.STORAGE_DOWN,
        ),
    ),
    retrieve=Operation(
        shown={"An image": ATTACHMENT},
        description="Gives fresh links. Before a message claims a file, only its uploader sees it.",
    ),
    destroy=Operation(
        "Remove a file",
        {
            200: Response(
                AttachmentSerializer,
                {"Removed": {**ATTACHMENT, "url": None, "thumbnail_url": None}},
                "The file, without links.",
            )
        },
        "For a file that no message has claimed. Those of a message go with it.",
    ),
)
