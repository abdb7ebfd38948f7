"""The mails of this app. Each is written when it is sent, from the rows as they stand then."""

from django.utils.translation import gettext as _

from chatapi.mail import KINDS, Letter, MailKind
from chats.actions import chats, codes
from chats.models import AuthCode, ChatUser


def greeting(chat_user: ChatUser) -> str:
    """The first name, unless it looks like a link: anybody can type in a name and an address."""
    name = chat_user.first_name
    return "" if set(name) & set("./:@\\") else name


def auth_code(code_id: int) -> Letter | None:
    """The code, unless it was used, replaced or forgotten meanwhile."""
    code = (
        AuthCode.objects.select_related("chat_user", "chat__company")
        .filter(pk=code_id, used_at=None, chat__deleted_at=None, chat__company__deleted_at=None)
        .first()
    )
    if code is None:
        return None
    digits = codes.digits(code)
    return Letter.of(
        "auth_code",
        _("%(code)s is your code for the chat with %(company)s")
        % {"code": digits, "company": code.chat.company.name},
        {
            "code": digits,
            "company": code.chat.company,
            "name": greeting(code.chat_user),
            "minutes": int(codes.lifetime().total_seconds() // 60),
        },
    )


def invitation(chat_user_id: int) -> Letter | None:
    chat_user = (
        ChatUser.objects.select_related("chat__company")
        .filter(pk=chat_user_id, chat__deleted_at=None, chat__company__deleted_at=None)
        .filter(status__in=[ChatUser.Status.INVITED, ChatUser.Status.ACTIVE])
        .first()
    )
    if chat_user is None:
        return None
    chat = chat_user.chat
    return Letter.of(
        "chat_invitation",
        _("%(company)s invites you to a chat") % {"company": chat.company.name},
        {
            "chat": chat,
            "company": chat.company,
            "name": greeting(chat_user),
            "url": chats.join_url(chat, chats.password_of(chat)),
        },
    )


KINDS["auth_code"] = MailKind(auth_code, codes.mailed)
KINDS["chat_invitation"] = MailKind(invitation)
