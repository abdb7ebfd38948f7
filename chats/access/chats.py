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
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.ids import parse_id
from chatapi.api.pagination import bounds, created
from chatapi.db.compiled import Compiled, Parameter
from chatapi.db.encryption import decrypt, encrypt
from chatapi.db.lookups import Each
from chatapi.text.display import normalize_password
from chats.access.callers import Caller
from chats.models import Chat, ChatUser, ChatUserToken, Message
from companies.access.companies import by_id_or_slug, companies_for
from companies.models import Company, Membership

logger = logging.getLogger(__name__)


def visible_chats(request: Request) -> QuerySet[Chat]:
    """The chats that the caller may see: their own, or those of a member's companies."""
    if isinstance(request.auth, ChatUserToken):
        own = live_chats().filter(pk=request.auth.chat_id)
        return with_summary(own, me=Q(pk=request.auth.chat_user_id))
    return member_chats(request.user.pk)


def live_chats() -> QuerySet[Chat]:
    """Chats that are not deleted, and whose company is not deleted."""
    return Chat.objects.filter(deleted_at=None, company__deleted_at=None)


def member_chats(user_id: Any) -> QuerySet[Chat]:
    companies = Membership.objects.live().filter(user_id=user_id).values("company_id")
    return with_summary(live_chats().filter(company_id__in=companies), me=Q(user_id=user_id))


def matching_page(request: Request, query: dict[str, Any]) -> QuerySet[Chat]:
    """A page of the chats that the caller may see, narrowed by the query of the list."""
    rows = created(ORDERING.beyond(Chat.objects.all(), query), query)
    if "status" in query:
        rows = rows.filter(status=query["status"])
    if "external_id" in query:
        rows = rows.filter(external_id=query["external_id"])
    if query.get("q"):
        rows = rows.filter(Q(name__icontains=query["q"]) | Q(external_id__icontains=query["q"]))
    order, page = query["order"], bounds(query)
    if "company_id" in query:
        return company_page(request, rows, by_id_or_slug(query["company_id"]), order, page)
    return visible_page(request, rows, order, page)


def visible_page(
    request: Request, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """A page, given as a slice, of those `rows` that the caller may see."""
    if isinstance(request.auth, ChatUserToken):
        return visible_chats(request).filter(pk__in=rows)[slice(*page)]
    return member_page(request.user.pk, rows, order, page)


def company_page(
    request: Request, rows: QuerySet[Chat], company: Q, order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """The same for one company, by its index."""
    if isinstance(request.auth, ChatUserToken):
        matching = Company.objects.live().filter(company)
        return visible_chats(request).filter(pk__in=rows, company__in=matching)[slice(*page)]
    # Looked up first, or PostgreSQL plans for the average number of chats of a company.
    user = account(request)
    company_id = companies_for(user).filter(company).values_list("pk", flat=True).first()
    own = rows.filter(company_id=company_id or 0, deleted_at=None).order_by(*age_ordering(order))
    first = own.values("pk")[slice(*page)]
    page_rows = with_summary(Chat.objects.filter(pk__in=first), me=Q(user_id=user.pk))
    return page_rows.order_by(*age_ordering(order))


def member_page(
    user_id: Any, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """A page of the chats of a member's companies.

    An index finds the first chats of each company; the page is taken from those. The cost grows
    neither with the chats of these companies nor with those of others. Only the chats of the page
    are summarised, not those before it.
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
    page_rows = with_summary(Chat.objects.filter(pk__in=found[slice(*page)]), me=Q(user_id=user_id))
    return page_rows.order_by(*age_ordering(order))


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
    """The newest chats of a member, or with `asc` the oldest, by a compiled query."""
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
    """The chats of a member after a cursor, by a compiled query."""
    created_at, pk = place
    page = next_page_query(order, size)
    return list(page.instances(user_id=user.pk, created_at=created_at, pk=pk))


def with_summary(rows: QuerySet[Chat], me: Q) -> QuerySet[Chat]:
    """Annotate `rows` for the chat user `me`, with `own_id` (their id), `users_count`,
    `unread_count` and `last_message_id`."""
    own_of_row = ChatUser.objects.filter(me, chat=OuterRef("pk"))
    own = ChatUser.objects.filter(me, chat=OuterRef(OuterRef("pk")))
    unread = Message.objects.filter(
        chat=OuterRef("pk"),
        deleted_at=None,
        seq__gt=Coalesce(Subquery(own.values("last_read_seq")[:1]), Value(0)),
    ).exclude(author_id=Coalesce(Subquery(own.values("pk")[:1]), Value(0)))
    return rows.annotate(  # type: ignore[no-redef]  # declared by the model
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
    """The number of `rows` per chat of the outer query, as a subquery."""
    grouped = rows.order_by().values("chat_id").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(grouped, output_field=IntegerField()), Value(0))


def get_chat(request: Request, caller: Caller) -> Chat:
    """The chat of the route, summarised. Raises ApiError 404 when it has just been deleted."""
    found = visible_chats(request).filter(pk=caller.chat_id).first()
    if found is None:
        raise not_found()
    return found


@cache
def decoy_password() -> str:
    """Stands in for the password of a chat that does not exist; nobody can know it."""
    return encrypt(secrets.token_urlsafe())


def get_by_password(reference: str, password: str) -> Chat:
    """The chat of this id, if the password is correct.

    Raises ApiError 422 `wrong_password`. A wrong password and an unknown chat give the same answer
    and take the same work.
    """
    chat = live_chats().select_related("company").filter(pk=parse_id(reference) or 0).first()
    try:
        correct = decrypt(chat.sealed_password if chat else decoy_password())
    except InvalidToken:
        logger.error("cannot decrypt the password of chat %s: check CHAT_PASSWORD_KEYS", reference)
        chat, correct = None, ""
    expected, given = normalize_password(correct).encode(), normalize_password(password).encode()
    if not hmac.compare_digest(expected, given) or chat is None:
        raise ApiError(ErrorCode.WRONG_PASSWORD, "This password is wrong.", "password")
    return chat


def get_company(chat_id: int) -> Company:
    """The company of a chat. Raises ApiError 404 when either has just been deleted."""
    found = Company.objects.live().filter(chats__pk=chat_id).first()
    if found is None:
        raise not_found()
    return found
