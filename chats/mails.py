"""The mails of this app. Each is rendered when it is sent, from the rows at that time."""

from io import BytesIO
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from chatapi.api.errors import ApiError
from chatapi.mail.letters import KINDS, Letter, MailFile, MailKind
from chatapi.mail.names import plain_name
from chats.access import transcripts
from chats.actions import auth_codes, chats
from chats.models import AuthCode, Chat, ChatUser, Message, Note
from chats.transcripts.forms import FORMS, Form, file_name
from companies.access.members import member_id

T = TypeVar("T", bound=Model)


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


def mention(note_id: int, email: str) -> Letter | None:
    """The mail to a member whom a note mentions.

    None if the note was deleted meanwhile, mentions them no longer, or they have left the company.
    """
    note = live(Note.objects.select_related("author", "chat__company"), note_id)
    if note is None or member_id(note.chat.company_id, email) not in note.mentions:
        return None
    author = note.author.name if note.author else _("A member")
    return mention_letter(author, note.chat, note.text, is_note=True)


def message_mention(message_id: int, email: str) -> Letter | None:
    """The same for a message."""
    message = live(Message.objects.select_related("author", "chat__company"), message_id)
    if message is None or member_id(message.chat.company_id, email) is None:
        return None
    return mention_letter(message.author.name, message.chat, message.text, is_note=False)


def live(rows: QuerySet[T], pk: int) -> T | None:
    """The note or message, unless it or its chat was deleted."""
    found = rows.filter(pk=pk, deleted_at=None)
    return found.filter(chat__deleted_at=None, chat__company__deleted_at=None).first()


def mention_letter(author: str, chat: Chat, text: str, *, is_note: bool) -> Letter:
    name = plain_name(author)
    return Letter.render(
        "mention",
        _("%(name)s mentioned you") % {"name": name},
        {
            "author": name,
            "chat": plain_name(str(chat)),
            "company": plain_name(chat.company.name),
            "is_note": is_note,
            "text": text,
            "url": f"{settings.PUBLIC_URL}/inbox#chat={chat.pk}",
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
KINDS["mention"] = MailKind(mention, to_recipient=True)
KINDS["message_mention"] = MailKind(message_mention, to_recipient=True)
