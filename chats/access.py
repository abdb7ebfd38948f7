"""Who sees which chats, and what is in them."""

import hmac
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
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
from chatapi.api.errors import ErrorCode, forbidden, not_found, unprocessable
from chatapi.api.ids import parse_id
from chatapi.db.compiled import Compiled, Parameter
from chatapi.db.encryption import decrypt, encrypt
from chatapi.db.lookups import Each
from chatapi.text.display import normal_password
from chats.hints import Position
from chats.models import Chat, ChatUser, ChatUserToken, Event, Message
from chats.representations import EVENT_FIELDS, MESSAGE_FIELDS
from companies.access.companies import companies_for
from companies.models import Company, Membership, Role

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a route of one chat: its chat user, or a member of its company."""

    chat_id: int
    last_seq: int
    chat_user: ChatUser | None
    role: Role | None

    @property
    def is_member(self) -> bool:
        return self.role is not None

    @property
    def manages(self) -> bool:
        return self.role is not None and self.role.manages

    def require_manager(self) -> None:
        """ApiError 403 for everybody but managers and owners."""
        if not self.manages:
            raise forbidden(ErrorCode.PERMISSION_DENIED, "This needs the role manager or owner.")


def caller(request: Request, reference: str) -> Caller:
    """The caller in the chat that the URL names. Costs no query: the token's had it all.

    ApiError 403 `other_chat` for a chat-user token of another chat, 404 for an outsider.
    """
    chat_id = parse_id(reference)
    if isinstance(request.auth, ChatUserToken):
        if request.auth.chat_id != chat_id:
            raise forbidden(ErrorCode.OTHER_CHAT)
        chat = request.auth.chat
        return Caller(chat.pk, chat.last_seq, request.auth.chat_user, None)
    token: Any = request.auth  # an ApiToken, with what MemberAuthentication joined
    role = token.chat_role
    if chat_id is None or role is None:
        raise not_found()
    return Caller(chat_id, token.chat_last_seq, None, Role(role))


# --- Chats -----------------------------------------------------------------------------------


def chats(request: Request) -> QuerySet[Chat]:
    """The chats the caller may see: a chat user its own, a member those of its companies."""
    if isinstance(request.auth, ChatUserToken):
        own = live_chats().filter(pk=request.auth.chat_id)
        return summed_up(own, me=Q(pk=request.auth.chat_user_id))
    return chats_of_member(request.user.pk)


def live_chats() -> QuerySet[Chat]:
    return Chat.objects.filter(deleted_at=None, company__deleted_at=None)


def chats_of_member(user_id: Any) -> QuerySet[Chat]:
    companies = Membership.objects.live().filter(user_id=user_id).values("company_id")
    return summed_up(live_chats().filter(company_id__in=companies), me=Q(user_id=user_id))


def listed(
    request: Request, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """Of those `rows` that the caller may see, the `page`: a slice, in order."""
    if isinstance(request.auth, ChatUserToken):
        return chats(request).filter(pk__in=rows)[slice(*page)]
    return listed_of_member(request.user.pk, rows, order, page)


def listed_of_company(
    request: Request, rows: QuerySet[Chat], company: Q, order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """The same of one company: its own first ones, by its index."""
    if isinstance(request.auth, ChatUserToken):
        whose = Company.objects.live().filter(company)
        return chats(request).filter(pk__in=rows, company__in=whose)[slice(*page)]
    # Found first, or PostgreSQL plans for as many chats as a company has on average.
    user = account(request)
    found = companies_for(user).filter(company).values_list("pk", flat=True).first()
    own = rows.filter(company_id=found or 0, deleted_at=None).order_by(*by_age(order))
    first = own.values("pk")[slice(*page)]
    shown = summed_up(Chat.objects.filter(pk__in=first), me=Q(user_id=user.pk))
    return shown.order_by(*by_age(order))


def listed_of_member(
    user_id: Any, rows: QuerySet[Chat], order: str, page: tuple[int, int]
) -> QuerySet[Chat]:
    """Each company's own first ones are found by its index, and the first of all among those.

    What this costs grows neither with the companies' chats nor with those of others. Only the
    chats of the page are summed up, not those before it.
    """
    of_company = rows.filter(company_id=OuterRef("company_id"), deleted_at=None)
    first = of_company.order_by(*by_age(order)).values("pk")[: page[1]]
    own = Membership.objects.live().filter(user_id=user_id, company__deleted_at=None)
    found: Any
    if connection.vendor == "postgresql":
        each = own.annotate(first=Each(first)).values("first")
        found = Chat.objects.filter(pk__among=each).order_by(*by_age(order)).values("pk")
    else:
        found = own.filter(company__chats__pk__in=first).values("company__chats__pk")
        found = found.order_by(*by_age(order, "company__chats__"))
    shown = summed_up(Chat.objects.filter(pk__in=found[slice(*page)]), me=Q(user_id=user_id))
    return shown.order_by(*by_age(order))


def by_age(order: str, prefix: str = "") -> tuple[str, str]:
    sign = "" if order == "asc" else "-"
    return f"{sign}{prefix}created_at", f"{sign}{prefix}pk"


CHATS = Ordering("chats", {"created_at": INSTANT, "pk": NUMBER})


@cache
def first_page_of_chats(order: str, size: int) -> Compiled[Chat]:
    def build() -> QuerySet[Chat]:
        user_id = Parameter("user_id", BigIntegerField())
        return listed_of_member(user_id, Chat.objects.all(), order, (0, size))

    return Compiled(build)


def first_chats(user: User, order: str, size: int) -> list[Chat]:
    """The newest chats that a member may see, or with `asc` the oldest."""
    return list(first_page_of_chats(order, size).instances(user_id=user.pk))


@cache
def page_of_chats_after(order: str, size: int) -> Compiled[Chat]:
    def build() -> QuerySet[Chat]:
        user_id = Parameter("user_id", BigIntegerField())
        place = Parameter("created_at", DateTimeField()), Parameter("pk", BigIntegerField())
        rows = Chat.objects.filter(CHATS.after(place, order))
        return listed_of_member(user_id, rows, order, (0, size))

    return Compiled(build)


def chats_after(user: User, place: tuple[Any, ...], order: str, size: int) -> list[Chat]:
    """The chats that a member may see, from the place of a cursor on."""
    created_at, pk = place
    page = page_of_chats_after(order, size)
    return list(page.instances(user_id=user.pk, created_at=created_at, pk=pk))


def summed_up(rows: QuerySet[Chat], me: Q) -> QuerySet[Chat]:
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
        users_count=count(
            ChatUser.objects.filter(chat=OuterRef("pk"), status=ChatUser.Status.ACTIVE)
        ),
        unread_count=count(unread),
        last_message_id=Subquery(
            Message.objects.filter(chat=OuterRef("pk"), seq=OuterRef("last_message_seq")).values(
                "pk"
            )[:1]
        ),
    )


def count(rows: QuerySet[Any]) -> Coalesce:
    """How many `rows` an outer row has, as a subquery."""
    grouped = rows.order_by().values("chat_id").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(grouped, output_field=IntegerField()), Value(0))


def chat(request: Request, caller: Caller) -> Chat:
    """The chat of the route, summed up for the caller. ApiError 404 when it has just gone."""
    found = chats(request).filter(pk=caller.chat_id).first()
    if found is None:
        raise not_found()
    return found


@cache
def decoy() -> str:
    """What stands in for the password of a chat that does not exist; nobody can know it."""
    return encrypt(secrets.token_urlsafe())


def by_password(reference: str, password: str) -> Chat:
    """The chat a stranger names, when the password is its own.

    ApiError 422 `wrong_password`, alike for a wrong password and for a chat that does not exist,
    in what it says and in the work that it takes.
    """
    found = live_chats().select_related("company").filter(pk=parse_id(reference) or 0).first()
    try:
        right = decrypt(found.sealed_password if found else decoy())
    except InvalidToken:
        logger.error("no key fits the password of chat %s: see CHAT_PASSWORD_KEYS", reference)
        found, right = None, ""
    known, given = normal_password(right).encode(), normal_password(password).encode()
    if not hmac.compare_digest(known, given) or found is None:
        raise unprocessable(ErrorCode.WRONG_PASSWORD, "The password is wrong.", "password")
    return found


def is_shut_out(chat: Chat, email: str, known: ChatUser | None) -> bool:
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


def last_messages(found: list[Chat]) -> dict[int, dict[str, Any]]:
    """The newest message of each of these chats, as rows of MESSAGE_FIELDS by id."""
    ids = [chat.last_message_id for chat in found if chat.last_message_id]  # type: ignore[attr-defined]
    rows = Message.objects.filter(pk__in=ids).values(*MESSAGE_FIELDS)
    return {row["id"]: row for row in rows}


def company_of(chat_id: int) -> Company:
    """The company of a chat. ApiError 404 when either has just gone."""
    found = Company.objects.live().filter(chats__pk=chat_id).first()
    if found is None:
        raise not_found()
    return found


# --- In a chat -------------------------------------------------------------------------------


def chat_users(chat_id: int) -> QuerySet[ChatUser]:
    return ChatUser.objects.filter(chat_id=chat_id).order_by("pk")


def chat_user(chat_id: int, reference: str) -> ChatUser:
    """ApiError 404 when the chat has no such user."""
    number = parse_id(reference)
    found = chat_users(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return found


def ordering_of_chat_users(chat_id: int) -> Ordering:
    return Ordering(f"users {chat_id}", {"pk": NUMBER})


def ordering_of_messages(chat_id: int) -> Ordering:
    return Ordering(f"messages {chat_id}", {"seq": NUMBER})


def messages(chat_id: int) -> QuerySet[Message, dict[str, Any]]:
    """The messages of a chat as rows of MESSAGE_FIELDS."""
    rows: QuerySet[Message, dict[str, Any]] = Message.objects.filter(chat_id=chat_id).values(
        *MESSAGE_FIELDS
    )
    return rows


@cache
def first_page(order: str, size: int) -> Compiled[Message]:
    def build() -> QuerySet[Message, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        return messages(chat_id).order_by("seq" if order == "asc" else "-seq")[:size]

    return Compiled(build)


def first_messages(chat_id: int, order: str, size: int) -> list[dict[str, Any]]:
    """The newest messages of a chat, or with `asc` its oldest, as rows of MESSAGE_FIELDS."""
    return first_page(order, size).dicts(chat_id=chat_id)


@cache
def page_beside(side: str, size: int) -> Compiled[Message]:
    def build() -> QuerySet[Message, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        seq = Parameter("seq", BigIntegerField())
        if side == "before":
            return messages(chat_id).filter(seq__lt=seq).order_by("-seq")[:size]
        return messages(chat_id).filter(seq__gt=seq).order_by("seq")[:size]

    return Compiled(build)


def messages_beside(side: str, chat_id: int, seq: int, size: int) -> list[dict[str, Any]]:
    """The messages `before` a seq, the nearest first, or `after` it."""
    return page_beside(side, size).dicts(chat_id=chat_id, seq=seq)


def message(chat_id: int, reference: str) -> dict[str, Any]:
    """ApiError 404 when the chat has no such message."""
    number = parse_id(reference)
    found = messages(chat_id).filter(pk=number).first() if number else None
    if found is None:
        raise not_found()
    return dict(found)


def around(rows: QuerySet[Message, dict[str, Any]], chat_id: int, seq: int, size: int) -> Any:
    """`size` rows with `seq` in their middle, oldest first: half before it, the rest from it on."""
    before = Message.objects.filter(chat_id=chat_id, seq__lt=seq).order_by("-seq").values("seq")
    half = size // 2
    first = Coalesce(
        Subquery(before[half - 1 : half]) if half else Value(seq),
        Value(0),
        output_field=BigIntegerField(),
    )
    return rows.filter(seq__gte=first).order_by("seq")[: size + 1]


@cache
def page_of_events(limit: int) -> Compiled[Event]:
    def build() -> QuerySet[Event, dict[str, Any]]:
        chat_id: Any = Parameter("chat_id", BigIntegerField())
        after: Any = Parameter("after", BigIntegerField())
        rows = Event.objects.filter(chat_id=chat_id, seq__gt=after).order_by("seq")
        page: QuerySet[Event, dict[str, Any]] = rows.values(*EVENT_FIELDS)[:limit]
        return page

    return Compiled(build)


def events(chat_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    """The log after `after`, oldest first, as rows of EVENT_FIELDS."""
    return page_of_events(limit).dicts(chat_id=chat_id, after=after)


def events_after(places: Iterable[tuple[int, int]], limit: int) -> list[dict[str, Any]]:
    """The first `limit` events after each (chat id, seq), as rows of EVENT_FIELDS by chat and seq.

    As a log has no gaps, they are a range of numbers.
    """
    wanted = Q()
    for chat_id, after in places:
        wanted |= Q(chat_id=chat_id, seq__gt=after, seq__lte=after + limit)
    return list(Event.objects.filter(wanted).order_by("chat_id", "seq").values(*EVENT_FIELDS))


def events_at(places: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """The events at each (chat id, seq) of chats that are there, as rows of EVENT_FIELDS."""
    rows = Event.objects.filter(
        pk__in=list(places), chat__deleted_at=None, chat__company__deleted_at=None
    )
    return list(rows.values(*EVENT_FIELDS))


def events_of_companies(
    company_ids: Iterable[int], after: Position, limit: int
) -> list[dict[str, Any]]:
    """What happened in the chats of companies after a position, oldest first.

    Rows of EVENT_FIELDS and `company_id`. Transactions don't end in the order of their
    times: whoever must not miss any begins at `after.settled`.
    """
    later = Q(created_at__gt=after.time) | Q(created_at=after.time) & (
        Q(chat_id__gt=after.chat_id) | Q(chat_id=after.chat_id, seq__gt=after.seq)
    )
    found: list[dict[str, Any]] = []
    for company_id in company_ids:  # each in the order of its index
        rows = Event.objects.filter(
            later,
            company_id=company_id,
            created_at__gte=after.time,  # what the index needs to be told
            chat__deleted_at=None,
            chat__company__deleted_at=None,
        )
        rows = rows.order_by("created_at", "chat_id", "seq")
        found += rows.values(*EVENT_FIELDS, "company_id")[:limit]
    found.sort(key=lambda row: (row["created_at"], row["chat_id"], row["seq"]))
    return found[:limit]
