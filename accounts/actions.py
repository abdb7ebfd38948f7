"""Every write to accounts and their tokens."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.access import is_proven, is_unproven_signup
from accounts.addresses import parse_email
from accounts.models import ApiToken, User
from chatapi.api import tokens
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.bus.hints import access_changed
from chatapi.limits.limiter import Charge, limiter
from chatapi.mail import outbox

# What was got by tokens ends with them, in the same transaction: those who keep it listen.
# With `user` and `token_ids`; None when everything that the account got ends.
tokens_ended = Signal()
# A token takes the place of another one, which ends next. With `former` and `token`.
token_replaced = Signal()

DEFAULT_TOKEN_DAYS = 365
USE_NOTED_EVERY = timedelta(minutes=1)


def account_for(email: str) -> User:
    """The account of an address, created without a password if there is none.

    For operators, who give it rights: a stranger who signed up with the address and never proved
    it keeps nothing. Raises ValidationError when `email` is not an address.
    """
    user, _made = User.objects.get_or_create(
        email=parse_email(email),
        defaults={"password": "!"},  # "!": no password fits
    )
    take_from_stranger(user)
    return user


# --- Who owns an account -----------------------------------------------------------------------


@sensitive_variables("password")
def prove_address(user: User, password: str | None = None) -> None:
    """The owner of the mailbox is here, by a link that was mailed there: the account is theirs.

    With `password`, that is now the account's; if nobody had proven the address before, whatever
    the account had until now is void. Without it, the caller has seen that the owner knows the
    password already. Other accounts lose their unproven claims to the address.
    """
    with transaction.atomic():
        lock(user)
        first = not is_proven(user)
        if password is not None:
            if first:
                void(user)
            set_password(user, password)
        if first:
            drop_other_addresses(user)
            drop_claims(user)
            row = address_of(user)
            row.verified = row.primary = True
            row.save(update_fields=["verified", "primary"])


def take_from_stranger(user: User) -> bool:
    """Void what a stranger put into an account before anybody proved its address.

    Returns False when there was no such stranger.
    """
    if not is_unproven_signup(user):
        return False
    with transaction.atomic():
        lock(user)
        user.refresh_from_db()
        if not is_unproven_signup(user):  # proven meanwhile
            return False
        void(user)
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return True


def give_up_signup(email: str) -> None:
    """Delete the account of a sign-up that nobody proved, so that its address is free.

    One that an operator gave anything to stays.
    """
    for user in User.objects.filter(email=email, api_tokens=None, memberships=None):
        if is_unproven_signup(user):
            user.delete()


def address_of(user: User) -> EmailAddress:
    """The row by which allauth knows an account's address; the API makes accounts without one."""
    row, _made = EmailAddress.objects.get_or_create(user=user, email=user.email)
    return row


def drop_other_addresses(user: User) -> None:
    """Let an account be known by its own address alone."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()


def drop_claims(user: User) -> None:
    """End what other accounts have entered of an address that is proven to be this one's."""
    EmailAddress.objects.filter(email=user.email).exclude(user=user).delete()


def void(user: User) -> None:
    """End what an account has but for its password, which ends sessions when it changes."""
    revoke_all_tokens(user)
    Authenticator.objects.filter(user=user).delete()
    drop_other_addresses(user)


@sensitive_variables("password")
def set_password(user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])


def offer_browser(user: User) -> None:
    """Mail the account's owner a link by which an unknown browser becomes a known one.

    The right secret was typed while too many wrong ones were guessed; only the mailbox can tell
    the owner from the guessers.
    """
    if limiter().take([Charge("CODE_MAIL", f"unknown browser {user.pk}")]).allowed:
        outbox.post("unknown_browser", user.pk, user.email)


# --- Tokens ------------------------------------------------------------------------------------


def issue_token(
    user: User,
    name: str = "",
    days: int = DEFAULT_TOKEN_DAYS,
    scopes: Iterable[str] = ApiToken.SCOPES,
) -> tuple[ApiToken, str]:
    """A new personal access token and its plain text, which is nowhere kept.

    Raises ValidationError for an account that is switched off, an unknown scope, none at all, or
    days out of 1 to 3650.
    """
    if not user.is_active:
        raise ValidationError(_("This account is switched off."))
    wanted = [scope for scope in ApiToken.SCOPES if scope in set(scopes)]
    unknown = sorted(set(scopes) - set(ApiToken.SCOPES))
    if unknown or not wanted:
        raise ValidationError(f"Scopes are {' and '.join(ApiToken.SCOPES)}.")
    if not 1 <= days <= 3650:
        raise ValidationError(_("A token lives from 1 to 3650 days."))
    plain = tokens.mint(ApiToken.PREFIX)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        hint=plain[:8],
        digest=tokens.digest(plain),
        scopes=",".join(wanted),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, plain


def issue_token_for(
    user: User, name: str, days: int, scopes: Iterable[str]
) -> tuple[ApiToken, str]:
    """`issue_token` by an operator; the person is told by mail."""
    with transaction.atomic():
        token, plain = issue_token(user, name, days, scopes)
        outbox.post("token_issued", token.pk, user.email)
    return token, plain


def revoke_token(token: ApiToken) -> bool:
    """End a token and what was got by it. Returns False when it had been revoked before."""
    with transaction.atomic():
        live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
        ended = bool(live.update(revoked_at=timezone.now()))
        tokens_ended.send(ApiToken, user=token.user, token_ids=[token.pk])
        access_changed(f"user:{token.user_id}")
    return ended


def revoke_all_tokens(user: User) -> int:
    """End all tokens of an account and everything that was got by its tokens or as its agent.

    Returns how many personal access tokens were ended.
    """
    with transaction.atomic():
        lock(user)
        ended = user.api_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        tokens_ended.send(ApiToken, user=user, token_ids=None)
        access_changed(f"user:{user.pk}")
    return ended


def end_all_access(user: User) -> int:
    """End all tokens and all sessions of an account, and what was got by them.

    The session that asks stays if its hash is updated. Returns how many tokens were ended.
    """
    with transaction.atomic():
        lock(user)
        User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
        user.refresh_from_db(fields=["session_generation"])
        return revoke_all_tokens(user)


def hold_token(token: ApiToken) -> ApiToken:
    """The token as it stands. It can't be revoked until the transaction ends.

    Take it before any other lock. ApiError 401 when it has ended.
    """
    live = ApiToken.objects.live(timezone.now()).select_for_update(of=("self",), no_key=True)
    found = live.filter(pk=token.pk).first()
    if found is None:
        raise ApiError(401, ErrorCode.INVALID_TOKEN)
    return found


def lock(user: User) -> User:
    """The account as it stands, with other changes of its tokens and sessions kept waiting.

    Rows that refer to the account can be written meanwhile.
    """
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def note_use(token: ApiToken, now: datetime) -> None:
    """Keep when a token was last used, written at most once a minute."""
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        note_uses([token.pk], now)


def note_uses(token_ids: Sequence[int], now: datetime) -> None:
    if token_ids:
        ApiToken.objects.filter(pk__in=token_ids).update(last_used_at=now)


# --- The person --------------------------------------------------------------------------------


def rename(user: User, *, first_name: str, last_name: str) -> None:
    user.first_name, user.last_name = first_name, last_name
    user.save(update_fields=["first_name", "last_name"])


def end_two_factor(user: User) -> bool:
    """Let the password be enough again, and tell the person. False when it was enough already."""
    with transaction.atomic():
        ended, _each = Authenticator.objects.filter(user=user).delete()
        if ended:
            outbox.post("totp_deactivated", user.pk, user.email)
    return bool(ended)
