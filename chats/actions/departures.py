"""What is left to do in a company's chats when a membership has ended.

A row is written in the transaction that ends the membership. Workers do what it asks for, in
batches, and again if one of them dies.
"""

from contextlib import suppress
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from chatapi.api.errors import ApiError
from chats.actions import chat_users, chats
from chats.models import Chat, ChatUser, Departure
from companies.actions import membership_ended
from companies.models import Membership

BATCH = 200  # chats that get a new password before others have their turn


@receiver(membership_ended)
def begin(sender: Any, membership: Membership, rotate_passwords: bool, **kwargs: Any) -> None:
    """Note what is to be done, and hand it to a worker after the commit."""
    Departure.objects.create(membership=membership, rotate_passwords=rotate_passwords)
    transaction.on_commit(hand_over, robust=True)  # beat does, if the broker is down


def hand_over() -> None:
    from chats.tasks import finish_departures  # which imports this module

    finish_departures.delay()


def go_on() -> bool:
    """Work through a batch of each departure. Whether some are left."""
    left = False
    for departure in Departure.objects.filter(done_at=None).select_related("membership__user"):
        left |= not finish(departure)
    return left


def finish(departure: Departure) -> bool:
    """Take a former member out of the chats, and renew a batch of passwords. Whether it is done."""
    if departure.last_chat_id == 0:
        remove_guests(departure.membership)
    if departure.rotate_passwords and not rotate_batch(departure):
        return False
    Departure.objects.filter(pk=departure.pk, done_at=None).update(done_at=timezone.now())
    return True


def remove_guests(membership: Membership) -> None:
    """Remove the chat users by which a former member took part in chats as a guest.

    Those as an agent end with the membership. One whom a member has invited since stays.
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
        return  # back already
    for chat_user in found:
        chat_users.remove(chat_user)


def rotate_batch(departure: Departure) -> bool:
    """Renew the passwords of the next chats that the member could see. Whether none is left."""
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
            mine = Departure.objects.filter(pk=departure.pk, last_chat_id=last)
            if not mine.update(last_chat_id=chat_id):
                return False  # another worker is at it
            with suppress(ApiError):  # it has just been deleted
                chats.rotate_password(chat_id)
        last = chat_id
    return len(found) < BATCH
