"""The mails of this app. Each is rendered when it is sent, from the rows at that time."""

from django.conf import settings
from django.utils.translation import gettext as _

from chatapi.mail.letters import KINDS, Letter, MailKind
from chatapi.mail.names import plain_name
from chats.actions import auth_codes, chats
from chats.models import AuthCode, ChatUser, Note


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


def mention(note_id: int) -> Letter | None:
    """The mail to a member whom a note mentions, unless the note was deleted meanwhile."""
    note = (
        Note.objects.select_related("author", "chat__company")
        .filter(pk=note_id, deleted_at=None)
        .filter(chat__deleted_at=None, chat__company__deleted_at=None)
        .first()
    )
    if note is None:
        return None
    author = plain_name(note.author.name) if note.author else _("A member")
    return Letter.render(
        "mention",
        _("%(name)s mentioned you in a note") % {"name": author},
        {
            "author": author,
            "chat": plain_name(str(note.chat)),
            "company": plain_name(note.chat.company.name),
            "text": note.text,
            "url": f"{settings.PUBLIC_URL}/inbox#chat={note.chat_id}",
        },
    )


KINDS["auth_code"] = MailKind(auth_code, auth_codes.restart_lifetime)
KINDS["chat_invitation"] = MailKind(chat_invitation)
KINDS["mention"] = MailKind(mention)
