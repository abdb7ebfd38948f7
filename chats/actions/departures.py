"""The follow-up work in a company's chats when a membership ends.

A row is written in the transaction that ends the membership. Workers process it in batches, and
again if one of them dies.
"""

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from chatapi.api.errors import ApiError
from chats.actions import chat_users, chats
from chats.models import Chat, ChatUser, Departure
from companies.models import Membership

BATCH = 200  # passwords rotated before other tasks get their turn


def begin(membership: Membership, *, rotate_passwords: bool) -> None:
    """Record the follow-up work of an ended membership."""
    Departure.objects.create(membership=membership, rotate_passwords=rotate_passwords)


def process_batch() -> bool:
    """Process a batch of each departure. Returns whether work is left."""
    left = False
    for departure in Departure.objects.filter(done_at=None).select_related("membership__user"):
        left |= not process(departure)
    return left


def process(departure: Departure) -> bool:
    """Remove a former member's guests, and rotate a batch of passwords.

    Returns whether the departure is complete.
    """
    if departure.last_chat_id == 0:
        remove_guests(departure.membership)
    if departure.rotate_passwords and not rotate_batch(departure):
        return False
    Departure.objects.filter(pk=departure.pk, done_at=None).update(done_at=timezone.now())
    return True


def remove_guests(membership: Membership) -> None:
    """Remove the chat users through which a former member took part in chats as a guest.

    Their chat users as agent end with the membership. Those a member has invited since then stay.
    """
    assert membership.ended_at is not None
    assert membership.user is not None
    found = ChatUser.objects.filter(
        chat__company=membership.company_id,
        chat__deleted_at=None,
        chat__created_at__lte=membership.ended_at,
        email=membership.user.email,
        role=ChatUser.Role.GUEST,
        status__in=(ChatUser.Status.ACTIVE, ChatUser.Status.INVITED),
    ).exclude(invited_at__gt=membership.ended_at)
    if (
        Membership.objects.live()
        .filter(company=membership.company_id, user=membership.user_id)
        .exists()
    ):
        return  # a member again
    for chat_user in found:
        chat_users.remove(chat_user)


def rotate_batch(departure: Departure) -> bool:
    """Rotate the passwords of the next chats the member could see. Returns whether none is left."""
    ended_at, last = departure.membership.ended_at, departure.last_chat_id
    rows = Chat.objects.filter(
        company=departure.membership.company_id,
        deleted_at=None,
        created_at__lte=ended_at,
        pk__gt=last,
    ).order_by("pk")
    found = list(rows.values_list("pk", flat=True)[:BATCH])
    for chat_id in found:
        with transaction.atomic():
            claimed = Departure.objects.filter(pk=departure.pk, last_chat_id=last)
            if not claimed.update(last_chat_id=chat_id):
                return False  # another worker is ahead
            with suppress(ApiError):  # the chat has just been deleted
                chats.rotate_password(chat_id)
        last = chat_id
    return len(found) < BATCH
