"""The users of a chat, and who may not become one."""

from django.db.models import Q, QuerySet

from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chats.models import Chat, ChatUser
from companies.models import Membership


def chat_users(chat_id: int) -> QuerySet[ChatUser]:
    return ChatUser.objects.filter(chat_id=chat_id).order_by("pk")


def get_chat_user(chat_id: int, reference: str) -> ChatUser:
    """ApiError 404 when the chat has no such user."""
    number = parse_id(reference)
    found = chat_users(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return found


def ordering(chat_id: int) -> Ordering:
    return Ordering(f"users {chat_id}", {"pk": NUMBER})


def is_barred(chat: Chat, email: str, known: ChatUser | None) -> bool:
    """Whether an address may not come into a chat, with `known`, its chat user there.

    It is banned, or it belongs to somebody who could see the chat as a member of the company and
    has not been invited to the chat since that ended, or to a member whose account is switched off.
    A membership that is looked at does not end until the transaction does.
    """
    if known is not None and known.status == ChatUser.Status.BANNED:
        return True
    if known is not None and known.role == ChatUser.Role.AGENT and known.membership_id is None:
        return True  # the membership has been removed for good
    whose = Q(user__email=email)
    if known is not None and known.membership_id is not None:
        whose |= Q(pk=known.membership_id)  # the account may have another address by now
    found = list(
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(ended_at=None) | Q(ended_at__gte=chat.created_at), whose, company=chat.company_id)
        .select_related("user")
    )
    if any(each.user is not None and not each.user.is_active for each in found):
        return True
    if any(each.ended_at is None for each in found):
        return False
    invited_at = known.invited_at if known is not None else None
    return any(invited_at is None or invited_at <= each.ended_at for each in found if each.ended_at)
