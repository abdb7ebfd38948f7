"""Mentions of members, in notes and in messages. Guests see no more of them than the text."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.mail import outbox
from chatapi.models import OutgoingMail
from chats.actions import events
from chats.models import ChatUser, EventType, Message, Note
from companies.models import Membership

MAIL_PAUSE = timedelta(minutes=10)  # between two mails to a member about a chat


def checked(company_id: int, ids: Sequence[int]) -> list[int]:
    """The distinct ids. Raises ApiError 422 when one is no member of the company."""
    named = list(dict.fromkeys(ids))
    members = Membership.objects.live().filter(company_id=company_id, user__in=named)
    if named and len(set(members.values_list("user_id", flat=True))) < len(named):
        raise refusal("Only members of the company can be mentioned.")
    return named


def in_message(author: ChatUser, message: dict[str, Any], ids: Sequence[int]) -> None:
    """Mention members in a message that was sent in this transaction. Raises ApiError 422."""
    if author.role != ChatUser.Role.AGENT:
        raise refusal("Only agents can mention members.")
    named = checked(author.chat.company_id, ids)
    data = {
        "message_id": message["id"],
        "seq": message["seq"],
        "author": message["author"],
        "mentions": named,
    }
    events.append_for_members(author.chat_id, EventType.MENTION_CREATED, data)
    notify("message_mention", message["id"], author.chat_id, named, author.user_id)


def in_note(note: Note, ids: Iterable[int]) -> None:
    """Notify the members of a mention in a note."""
    notify("mention", note.pk, note.chat_id, ids, note.author_id)


def notify(kind: str, about: int, chat_id: int, ids: Iterable[int], by: int | None) -> None:
    """Mail these members, except the one who mentions them.

    After a mail about a chat, a member gets no other about it for a while: the first one leads to
    everything that follows.
    """
    others = User.objects.filter(pk__in=[each for each in ids if each != by])
    emails = list(others.order_by("pk").values_list("email", flat=True))
    if not emails:
        return
    since = timezone.now() - MAIL_PAUSE
    recent = Q(created_at__gt=since) | Q(edited_at__gt=since)
    notes = Note.objects.filter(recent, chat_id=chat_id)
    messages = Message.objects.filter(chat_id=chat_id, created_at__gt=since)
    about_chat = Q(kind="mention", about__in=notes.values("pk")) | Q(
        kind="message_mention", about__in=messages.values("pk")
    )
    mails = OutgoingMail.objects.filter(about_chat, created_at__gt=since, to__in=emails)
    mailed = set(mails.values_list("to", flat=True))
    for email in emails:
        if email not in mailed:
            outbox.post(kind, about, email)


def refusal(sentence: str) -> ApiError:
    return ApiError(ErrorCode.VALIDATION_FAILED, sentence, "mentions")
