"""The mails of accounts. Links are made when a mail is sent: no secret waits in its row."""

from collections.abc import Callable

from allauth.account import app_settings
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.login.known_browsers import link_key
from accounts.models import ApiToken, User
from chatapi.mail.outbox import KINDS, Letter, MailKind

# What an account's owner is told of: the kind of mail and its subject.
NOTICES = {
    "password_changed": gettext_lazy("Your password was changed"),
    "password_set": gettext_lazy("Your password was set"),
    "email_changed": gettext_lazy("Your email address was changed"),
    "totp_activated": gettext_lazy("Two-factor authentication is on"),
    "totp_deactivated": gettext_lazy("Two-factor authentication is off"),
    "recovery_codes_generated": gettext_lazy("You have new recovery codes"),
}


def absolute(name: str, *args: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def password_link(user: User) -> str:
    """Where the owner of the mailbox sets a new password. It works once, for three days."""
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return absolute("account_reset_password_from_key", user_pk_to_url_str(user), key)


def confirmation(address_id: int) -> Letter | None:
    row = EmailAddress.objects.filter(pk=address_id, verified=False).first()
    if row is None:
        return None
    url = absolute("account_confirm_email", EmailConfirmationHMAC(row).key)
    subject = _("Confirm your email address")
    return Letter.of("email_confirmation", subject, {"email": row.email, "url": url})


def owner(address_id: int) -> User | None:
    """The active account whose address the row is, still."""
    row = EmailAddress.objects.select_related("user").filter(pk=address_id).first()
    if row is None or row.user.email != row.email or not row.user.is_active:
        return None
    user: User = row.user
    return user


def password_reset(address_id: int) -> Letter | None:
    user = owner(address_id)
    if user is None:
        return None
    context = {"email": user.email, "url": password_link(user)}
    return Letter.of("password_reset", _("Set a new password"), context)


def account_exists(address_id: int) -> Letter | None:
    user = owner(address_id)
    if user is None:
        return None
    context = {
        "email": user.email, "login": absolute("account_login"), "url": password_link(user),
    }  # fmt: skip
    return Letter.of("account_exists", _("You have an account already"), context)


def unknown_account(nothing: int) -> Letter:
    context = {"open": settings.SIGNUP_OPEN, "url": absolute("account_signup")}
    return Letter.of("unknown_account", _("There is no account with this address"), context)


def notice(kind: str) -> Callable[[int], Letter | None]:
    def build(user_id: int) -> Letter | None:
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            return None
        context = {"name": user.name, "url": absolute("account_reset_password")}
        return Letter.of("account_notice", str(NOTICES[kind]), context)

    return build


def token_issued(token_id: int) -> Letter | None:
    token = ApiToken.objects.select_related("user").filter(pk=token_id, revoked_at=None).first()
    if token is None:
        return None
    context = {
        "name": token.user.name, "token": token, "url": absolute("tokens"),
        "reset": absolute("account_reset_password"),
    }  # fmt: skip
    return Letter.of("token_issued", _("A token was issued for your account"), context)


def unknown_browser(user_id: int) -> Letter | None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    context = {
        "url": absolute("known-browser", link_key(user.pk)),
        "reset": absolute("account_reset_password"),
    }
    return Letter.of("unknown_browser", _("A browser was refused"), context)


KINDS["unknown_browser"] = MailKind(unknown_browser)
KINDS["email_confirmation"] = MailKind(confirmation)
KINDS["password_reset"] = MailKind(password_reset)
KINDS["account_exists"] = MailKind(account_exists)
KINDS["unknown_account"] = MailKind(unknown_account)
KINDS["token_issued"] = MailKind(token_issued)
for _kind in NOTICES:
    KINDS[_kind] = MailKind(notice(_kind))
