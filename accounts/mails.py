"""The mails of accounts.

Links are built when a mail is sent, so that its row in the outbox holds no secret.
"""

from collections.abc import Callable

from allauth.account import app_settings
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.links import link_key
from accounts.models import ApiToken, User
from chatapi.mail.letters import KINDS, Letter, MailKind

# Security notices to the account's owner: the kind of mail and its subject.
NOTICES = {
    "password_changed": gettext_lazy("Your password was changed"),
    "password_set": gettext_lazy("Your password was set"),
    "email_changed": gettext_lazy("Your email address was changed"),
    "totp_activated": gettext_lazy("Two-factor authentication was turned on"),
    "totp_deactivated": gettext_lazy("Two-factor authentication was turned off"),
    "recovery_codes_generated": gettext_lazy("New recovery codes were created"),
}


def absolute_url(name: str, *args: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def password_link(user: User) -> str:
    """Return the link to set a new password. It works once and expires in three days."""
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return absolute_url("account_reset_password_from_key", user_pk_to_url_str(user), key)


def confirmation(address_id: int) -> Letter | None:
    row = EmailAddress.objects.filter(pk=address_id, verified=False).first()
    if row is None:
        return None
    url = absolute_url("account_confirm_email", EmailConfirmationHMAC(row).key)
    subject = _("Confirm your email address")
    return Letter.render("email_confirmation", subject, {"email": row.email, "url": url})


def owner(address_id: int) -> User | None:
    """Return the active account whose address the row still holds."""
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
    return Letter.render("password_reset", _("Set a new password"), context)


def account_exists(address_id: int) -> Letter | None:
    user = owner(address_id)
    if user is None:
        return None
    context = {
        "email": user.email,
        "login": absolute_url("account_login"),
        "url": password_link(user),
    }
    return Letter.render("account_exists", _("You already have an account"), context)


def unknown_account(_unused: int) -> Letter:
    context = {"open": settings.SIGNUP_OPEN, "url": absolute_url("account_signup")}
    return Letter.render("unknown_account", _("No account with this address"), context)


def notice(kind: str) -> Callable[[int], Letter | None]:
    def build(user_id: int) -> Letter | None:
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            return None
        context = {"name": user.name, "url": absolute_url("account_reset_password")}
        return Letter.render("account_notice", str(NOTICES[kind]), context)

    return build


def token_issued(token_id: int) -> Letter | None:
    token = ApiToken.objects.select_related("user").filter(pk=token_id, revoked_at=None).first()
    if token is None:
        return None
    context = {
        "name": token.user.name,
        "token": token,
        "url": absolute_url("tokens"),
        "reset": absolute_url("account_reset_password"),
    }
    return Letter.render("token_issued", _("A token was created for your account"), context)


def unknown_browser(user_id: int) -> Letter | None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    context = {
        "url": absolute_url("known-browser", link_key(user.pk)),
        "reset": absolute_url("account_reset_password"),
    }
    return Letter.render("unknown_browser", _("A login attempt was blocked"), context)


KINDS["unknown_browser"] = MailKind(unknown_browser)
KINDS["email_confirmation"] = MailKind(confirmation)
KINDS["password_reset"] = MailKind(password_reset)
KINDS["account_exists"] = MailKind(account_exists)
KINDS["unknown_account"] = MailKind(unknown_account)
KINDS["token_issued"] = MailKind(token_issued)
for _kind in NOTICES:
    KINDS[_kind] = MailKind(notice(_kind))
