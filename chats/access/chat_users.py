"""The users of a chat, and the addresses that may not join it."""

from django.db.models import Q, QuerySet

from chatapi.api.cursors import NUMBER, Ordering
from chatapi.api.errors import not_found
from chatapi.api.ids import parse_id
from chats.models import Chat, ChatUser
from companies.models import Membership


def chat_users(chat_id: int) -> QuerySet[ChatUser]:
    return ChatUser.objects.filter(chat_id=chat_id).order_by("pk")


def get_chat_user(chat_id: int, reference: str) -> ChatUser:
    """A user of a chat. Raises ApiError 404 when it has no such user."""
    number = parse_id(reference)
    found = chat_users(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return found


def ordering(chat_id: int) -> Ordering:
    return Ordering(f"users {chat_id}", {"pk": NUMBER})


def is_barred(chat: Chat, email: str, known: ChatUser | None) -> bool:
    """Return whether an address is barred from a chat. `known` is its chat user there, if any.

    Barred are banned chat users; former members who could see the chat and have not been invited to
    it since their membership ended; and members whose account is inactive. The memberships that
    this reads are locked until the transaction ends.
    """
    if known is not None and known.status == ChatUser.Status.BANNED:
        return True
    if known is not None and known.role == ChatUser.Role.AGENT and known.membership_id is None:
        return True  # the membership has been purged
    owner = Q(user__email=email)
    if known is not None and known.membership_id is not None:
        owner |= Q(pk=known.membership_id)  # the account may have changed its address
    found = list(
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(ended_at=None) | Q(ended_at__gte=chat.created_at), owner, company=chat.company_id)
        .select_related("user")
    )
    if any(each.user is not None and not each.user.is_active for each in found):
        return True
    if any(each.ended_at is None for each in found):
        return False
    invited_at = known.invited_at if known is not None else None
    return any(invited_at is None or invited_at <= each.ended_at for each in found if each.ended_at)
