"""The attachments of a chat, and the files behind their links."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.errors import ApiError, ErrorCode, http_error, not_found
from chatapi.api.policies import READ, WRITE, Policy, upload_bytes
from chatapi.files import downloads, stores
from chatapi.files.uploads import UploadParser
from chats import links, representations
from chats.access import attachments as access
from chats.actions import attachments as actions
from chats.models import Attachment
from chats.permissions import InChat, Participant
from chats.schema import attachments as schema
from chats.serializers.attachments import AttachmentInput
from chats.views.base import EITHER, ChatView, limit_uploads

THUMBNAIL_TYPE = "image/webp"


@schema.attachments
class AttachmentViewSet(ChatView):
    parser_classes = (UploadParser,)
    policies: ClassVar = {
        "create": Policy(
            EITHER, (Participant,), (WRITE, limit_uploads), max_upload_bytes=upload_bytes(1)
        ),
        "retrieve": Policy(EITHER, (InChat,), (READ,)),
        "destroy": Policy(EITHER, (Participant,), (WRITE,)),
    }

    def create(self, request: Request, chat_pk: str) -> Response:
        self.body(AttachmentInput)
        files = request.FILES.getlist("file")
        if len(files) != 1:
            raise ApiError(ErrorCode.VALIDATION_FAILED, "Send one file.", "file")
        uploader = self.caller.chat_user
        assert uploader is not None
        attachment = actions.upload(uploader, files[0])
        return Response(representations.attachment(actions.shown(attachment)), 201)

    def retrieve(self, request: Request, chat_pk: str, pk: str) -> Response:
        attachment = access.get_attachment(self.caller, pk)
        return Response(representations.attachment(actions.shown(attachment)))

    def destroy(self, request: Request, chat_pk: str, pk: str) -> Response:
        uploader = self.caller.chat_user
        assert uploader is not None
        attachment = access.get_attachment(self.caller, pk)
        if not actions.remove(uploader, attachment.pk):
            raise not_found()  # another request has just claimed or removed it
        gone = {"url": None, "thumbnail_url": None}
        return Response(representations.attachment(actions.shown(attachment)) | gone)


class FileView(View):
    """A file by its signed link; no token is needed."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, signed: str, name: str) -> HttpResponseBase:
        try:
            link = links.read(signed)
            attachment = access.linked_attachment(link)
            file = stored_file(attachment, is_thumbnail=link.is_thumbnail)
            return downloads.respond(request, file, link.seconds_left)
        except ApiError as error:
            return http_error(error.error_code, error.message)
        except stores.StorageDownError:
            return http_error(ErrorCode.STORAGE_DOWN)


def stored_file(attachment: Attachment, *, is_thumbnail: bool) -> downloads.StoredFile:
    digest = bytes(attachment.sha256).hex()
    if is_thumbnail:
        return downloads.StoredFile(
            attachment.thumbnail_as,
            "thumbnail.webp",
            attachment.thumbnail_size or 0,
            THUMBNAIL_TYPE,
            f'"{digest}-t"',
        )
    return downloads.StoredFile(
        attachment.stored_as,
        attachment.name,
        attachment.size,
        attachment.content_type,
        f'"{digest}"',
    )
