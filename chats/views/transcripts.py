"""Transcripts of a chat, and the public keys by which anyone can verify them."""

from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, ClassVar

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.language import callers_language
from chatapi.api.policies import READ, WRITE, Policy, Replay, by_token, token
from chatapi.api.views import ApiViewSet
from chatapi.files.downloads import SANDBOX
from chats.access import transcripts as access
from chats.actions import transcripts as actions
from chats.permissions import InChat
from chats.schema import transcripts as schema
from chats.serializers.transcripts import TranscriptInput, TranscriptQuery
from chats.transcripts import keys
from chats.transcripts.forms import FORMS, Form, file_name
from chats.views.base import EITHER, ChatView

TRANSCRIPT = by_token("TRANSCRIPT")
MAX_IN_MEMORY = 1024 * 1024  # bytes; a longer transcript is written to a file
TIMEOUT = 60_000  # ms; on SQLite for the whole transcript, of which 100,000 entries take 10 s


@schema.transcripts
class TranscriptViewSet(ChatView):
    policies: ClassVar = {
        "retrieve": Policy(EITHER, (InChat,), (TRANSCRIPT,)),
        "create": Policy(EITHER, (InChat,), (WRITE,), replay=Replay.TO_CALLER),
    }

    def retrieve(self, request: Request, chat_pk: str) -> HttpResponseBase:
        form = FORMS[self.query(TranscriptQuery)["format"]]
        # Written before it is sent: an error still has a status, and a slow client holds no thread.
        with ExitStack() as stack:
            file = stack.enter_context(
                SpooledTemporaryFile(MAX_IN_MEMORY, dir=str(settings.UPLOAD_DIR))
            )
            with self.expensive(True, TIMEOUT), callers_language(request):
                caller = self.caller
                transcript = access.transcript(caller.chat_id, for_member=caller.is_member)
                form.write(transcript, file)
            response = respond(file, form)
            if response.streaming:
                stack.pop_all()  # the response closes the file
        name = content_disposition_header(True, file_name(transcript, form))
        response["Content-Disposition"] = name or "attachment"
        response["Content-Security-Policy"] = SANDBOX
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def create(self, request: Request, chat_pk: str) -> Response:
        sent = token(request)
        if sent is not None and sent.missing_scope("GET"):
            # The mail shows what the token may not read.
            raise ApiError(ErrorCode.SCOPE_MISSING, "This token lacks the scope `read`.")
        chat_id, email = self.caller.chat_id, self.recipient(self.body(TranscriptInput))
        self.charge(*actions.mail_charges("request", chat_id, email), shown=False)
        with callers_language(request):
            actions.mail(chat_id, email)
        return Response({"chat_id": chat_id, "email": email}, 202)

    def recipient(self, fields: dict[str, str]) -> str:
        """The address to mail to. Raises ApiError 403 or 422 when it may get no transcript."""
        own = self.caller.chat_user
        if own is not None:
            if fields.get("email", own.email) != own.email:
                sentence = "A chat user can have transcripts mailed only to their own address."
                raise ApiError(ErrorCode.PERMISSION_DENIED, sentence)
            if not access.may_be_mailed(self.caller.chat_id, own.email):
                sentence = "Verify your address first: join again with the code mailed to it."
                raise ApiError(ErrorCode.PERMISSION_DENIED, sentence)
            return own.email
        email = fields.get("email", "")
        if not email or not access.may_be_mailed(self.caller.chat_id, email):
            sentence = (
                "Enter the address of a member, or that of somebody in the chat who verified it."
            )
            raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "email")
        return email


def respond(file: IO[bytes], form: Form) -> HttpResponseBase:
    """The content of the file, in pieces if it is long."""
    size = file.tell()
    file.seek(0)
    if size > MAX_IN_MEMORY:
        return FileResponse(file, content_type=form.media_type)
    return HttpResponse(file.read(), content_type=form.media_type)


@schema.transcript_keys
class TranscriptKeysViewSet(ApiViewSet):
    policies: ClassVar = {"retrieve": Policy((), (AllowAny,), (READ,), anonymous=True)}

    def retrieve(self, request: Request) -> Response:
        return Response(keys.jwks())
