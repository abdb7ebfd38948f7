"""The chats that a caller may see."""

import hmac
import logging
import secrets
from functools import cache
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import connection
from django.db.models import (
    BigIntegerField,
    Count,
    DateTimeField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from rest_framework.request import Request

from accounts.authentication import account
from accounts.models import User
from chatapi.api.cursors import INSTANT, NUMBER, Ordering
from chatapi.api.errors import ErrorCode, not_found, unprocessable
from chatapi.api.ids import parse_id
from chatapi.db.compiled import Compiled, Parameter
from chatapi.db.encryption import decrypt, encrypt
from chatapi.db.lookups import Each
from chatapi.text.display import normal_password
from chats.access.callers import Caller
from chats.models import Chat, ChatUser, ChatUserToken, Message
from companies.access import companies
from companies.models import Company, Membership

logger = logging.getLogger(__name__)


def visible_chats(request: Request) -> QuerySet[Chat]:
    """The chats the caller may see: a chat user its own, a member those of its companies."""
    if isinstance(request.auth, ChatUserToken):
        own = live_chats().filter(pk=request.auth.chat_id)
        return with_summary(own, me=Q(pk=request.auth.chat_user_id))
    return member_chats(request.user.pk)


def live_chats() -> QuerySet[Chat]:
    return Chat.objects.filter(deleted_at=None, company__deleted_at=None)


def member_chats(user_id: Any) -> QuerySet[Chat]:
    companies = Membership.objects.live().filter(user_id=user_id).values("company_id")
    return with_summary(live_chats().filter(company_id__in=companies), me=Q(user_id=user_id))


def visible_page(
    request: Request, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """Of those `rows` that the caller may see, the `page`: a slice, in order."""
    if isinstance(request.auth, ChatUserToken):
        return visible_chats(request).filter(pk__in=rows)[slice(*page)]
    return member_page(request.user.pk, rows, order, page)


def company_page(
    request: Request, rows: QuerySet[Chat], company: Q, order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """The same of one company: its own first ones, by its index."""
    if isinstance(request.auth, ChatUserToken):
        whose = Company.objects.live().filter(company)
        return visible_chats(request).filter(pk__in=rows, company__in=whose)[slice(*page)]
    # Found first, or PostgreSQL plans for as many chats as a company has on average.
    user = account(request)
    found = companies(user).filter(company).values_list("pk", flat=True).first()
    own = rows.filter(company_id=found or 0, deleted_at=None).order_by(*age_ordering(order))
    first = own.values("pk")[slice(*page)]
    shown = with_summary(Chat.objects.filter(pk__in=first), me=Q(user_id=user.pk))
    return shown.order_by(*age_ordering(order))


def member_page(
    user_id: Any, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """Each company's own first ones are found by its index, and the first of all among those.

    What this costs grows neither with the companies' chats nor with those of others. Only the
    chats of the page are summed up, not those before it.
    """
    of_company = rows.filter(company_id=OuterRef("company_id"), deleted_at=None)
    first = of_company.order_by(*age_ordering(order)).values("pk")[: page[1]]
    own = Membership.objects.live().filter(user_id=user_id, company__deleted_at=None)
    found: Any
    if connection.vendor == "postgresql":
        each = own.annotate(first=Each(first)).values("first")
        found = Chat.objects.filter(pk__among=each).order_by(*age_ordering(order)).values("pk")
    else:
        found = own.filter(company__chats__pk__in=first).values("company__chats__pk")
        found = found.order_by(*age_ordering(order, "company__chats__"))
    shown = with_summary(Chat.objects.filter(pk__in=found[slice(*page)]), me=Q(user_id=user_id))
    return shown.order_by(*age_ordering(order))


def age_ordering(order: str, prefix: str = "") -> tuple[str, str]:
    sign = "" if order == "asc" else "-"
    return f"{sign}{prefix}created_at", f"{sign}{prefix}pk"


ORDERING = Ordering("chats", {"created_at": INSTANT, "pk": NUMBER})


@cache
def first_page_query(order: str, size: int) -> Compiled[Chat]:
    def build() -> QuerySet[Chat]:
        user_id = Parameter("user_id", BigIntegerField())
        return member_page(user_id, Chat.objects.all(), order, (0, size))

    return Compiled(build)


def first_page(user: User, order: str, size: int) -> list[Chat]:
    """The newest chats that a member may see, or with `asc` the oldest."""
    return list(first_page_query(order, size).instances(user_id=user.pk))


@cache
def next_page_query(order: str, size: int) -> Compiled[Chat]:
    def build() -> QuerySet[Chat]:
        user_id = Parameter("user_id", BigIntegerField())
        place = Parameter("created_at", DateTimeField()), Parameter("pk", BigIntegerField())
        rows = Chat.objects.filter(ORDERING.after(place, order))
        return member_page(user_id, rows, order, (0, size))

    return Compiled(build)


def next_page(user: User, place: tuple[Any, ...], order: str, size: int) -> list[Chat]:
    """The chats that a member may see, from the place of a cursor on."""
    created_at, pk = place
    page = next_page_query(order, size)
    return list(page.instances(user_id=user.pk, created_at=created_at, pk=pk))


def with_summary(rows: QuerySet[Chat], me: Q) -> QuerySet[Chat]:
    """`rows` summed up for the chat user `me`: with its id as `own_id`, `users_count`,
    `unread_count` and `last_message_id`."""
    own_of_row = ChatUser.objects.filter(me, chat=OuterRef("pk"))
    own = ChatUser.objects.filter(me, chat=OuterRef(OuterRef("pk")))
    unread = Message.objects.filter(
        chat=OuterRef("pk"),
        deleted_at=None,
        seq__gt=Coalesce(Subquery(own.values("last_read_seq")[:1]), Value(0)),
    ).exclude(author_id=Coalesce(Subquery(own.values("pk")[:1]), Value(0)))
    return rows.annotate(
        own_id=Subquery(own_of_row.values("pk")[:1]),
        users_count=count_per_chat(
            ChatUser.objects.filter(chat=OuterRef("pk"), status=ChatUser.Status.ACTIVE)
        ),
        unread_count=count_per_chat(unread),
        last_message_id=Subquery(
            Message.objects.filter(chat=OuterRef("pk"), seq=OuterRef("last_message_seq")).values(
                "pk"
            )[:1]
        ),
    )


def count_per_chat(rows: QuerySet[Any]) -> Coalesce:
    """How many `rows` an outer row has, as a subquery."""
    grouped = rows.order_by().values("chat_id").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(grouped, output_field=IntegerField()), Value(0))


def get_chat(request: Request, caller: Caller) -> Chat:
    """The chat of the route, summed up for the caller. ApiError 404 when it has just gone."""
    found = visible_chats(request).filter(pk=caller.chat_id).first()
    if found is None:
        raise not_found()
    return found


@cache
def decoy_password() -> str:
    """What stands in for the password of a chat that does not exist; nobody can know it."""
    return encrypt(secrets.token_urlsafe())


def get_by_password(reference: str, password: str) -> Chat:
    """The chat a stranger names, when the password is its own.

    ApiError 422 `wrong_password`, alike for a wrong password and for a chat that does not exist,
    in what it says and in the work that it takes.
    """
    found = live_chats().select_related("company").filter(pk=parse_id(reference) or 0).first()
    try:
        right = decrypt(found.sealed_password if found else decoy_password())
    except InvalidToken:
        logger.error("no key fits the password of chat %s: see CHAT_PASSWORD_KEYS", reference)
        found, right = None, ""
    known, given = normal_password(right).encode(), normal_password(password).encode()
    if not hmac.compare_digest(known, given) or found is None:
        raise unprocessable(ErrorCode.WRONG_PASSWORD, "The password is wrong.", "password")
    return found


def get_company(chat_id: int) -> Company:
    """The company of a chat. ApiError 404 when either has just gone."""
    found = Company.objects.live().filter(chats__pk=chat_id).first()
    if found is None:
        raise not_found()
    return found
