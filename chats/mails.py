"""The mails of this app. Each is rendered when it is sent, from the rows at that time."""

from io import BytesIO
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from chatapi.api.errors import ApiError
from chatapi.mail.letters import KINDS, Letter, MailFile, MailKind
from chatapi.mail.names import plain_name
from chats.access import transcripts
from chats.actions import auth_codes, chats
from chats.models import AuthCode, ChatUser
from chats.transcripts.forms import FORMS, Form, file_name


def greeting(chat_user: ChatUser) -> str:
    """The first name, if the address is verified; anyone can enter both."""
    verified = chat_user.assurance != ChatUser.Assurance.CLAIMED
    return plain_name(chat_user.first_name) if verified else ""


def auth_code(code_id: int) -> Letter | None:
    """The mail with a code, unless the code has been used, replaced or pruned meanwhile."""
    code = (
        AuthCode.objects.select_related("chat_user", "chat__company")
        .filter(pk=code_id, used_at=None, chat__deleted_at=None, chat__company__deleted_at=None)
        .first()
    )
    if code is None:
        return None
    digits = auth_codes.digits(code)
    return Letter.render(
        "auth_code",
        _("%(code)s is your code for the chat") % {"code": digits},
        {
            "code": digits,
            "company": plain_name(code.chat.company.name),
            "name": greeting(code.chat_user),
            "minutes": int(auth_codes.lifetime().total_seconds() // 60),
        },
    )


def chat_invitation(chat_user_id: int) -> Letter | None:
    chat_user = (
        ChatUser.objects.select_related("chat__company")
        .filter(pk=chat_user_id, chat__deleted_at=None, chat__company__deleted_at=None)
        .filter(status__in=[ChatUser.Status.INVITED, ChatUser.Status.ACTIVE])
        .first()
    )
    if chat_user is None:
        return None
    chat = chat_user.chat
    return Letter.render(
        "chat_invitation",
        _("You are invited to a chat"),
        {
            "company": plain_name(chat.company.name),
            "name": greeting(chat_user),
            "url": chats.join_url(chat, chats.password_of(chat)),
        },
    )


# Of each file, in bytes. Many mail servers refuse more than ten megabytes, which base64 makes of
# seven and a half.
MAX_FILE_BYTES = 3 * 1024 * 1024
MAX_TEXT_LENGTH = 100_000  # of the text in the body


def transcript(chat_id: int, email: str) -> Letter | None:
    """The mail with a transcript, unless the recipient may not see it any more."""
    if not transcripts.may_be_mailed(chat_id, email):
        return None
    for_member = transcripts.is_members(chat_id, email)
    try:
        written = {name: write(chat_id, form, for_member) for name, form in FORMS.items()}
    except ApiError:  # the chat was deleted
        return None
    except TooLongError:
        written = {}
    text = written["text"].content.decode() if written else ""
    return Letter.render(
        "transcript",
        _("Transcript of your chat"),
        {
            "transcript": text if len(text) <= MAX_TEXT_LENGTH else "",
            "is_attached": bool(written),
            "url": f"{settings.PUBLIC_URL}/chats/{chat_id}",
        },
        [written[name] for name in ("html", "json") if written],
    )


class TooLongError(Exception):
    """The transcript is too long for a mail."""


class ShortFile(BytesIO):
    """A file that takes at most MAX_FILE_BYTES. Raises TooLongError."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MAX_FILE_BYTES:
            raise TooLongError
        return super().write(data)


def write(chat_id: int, form: Form, for_member: bool) -> MailFile:
    file, found = ShortFile(), transcripts.transcript(chat_id, for_member=for_member)
    form.write(found, file)
    media_type = form.media_type.partition(";")[0]
    return MailFile(file_name(found, form), file.getvalue(), media_type)


KINDS["auth_code"] = MailKind(auth_code, auth_codes.restart_lifetime)
KINDS["chat_invitation"] = MailKind(chat_invitation)
KINDS["transcript"] = MailKind(transcript, to_recipient=True)
