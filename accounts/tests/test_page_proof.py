"""Whoever first proves a mailbox sets the credential; what a stranger put there before is void."""

import re
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail as django_mail
from django.core.management import call_command
from django.test import Client

from accounts.actions.tokens import issue_token
from accounts.actions.users import account_for
from accounts.models import User
from chatapi.mail import delivery
from chatapi.models import OutgoingMail
from conftest import Client as Api

STRANGERS, OWN = "the stranger's horse", "the owner's own battery"
SIGNUP, LOGIN, RESET = "/accounts/signup/", "/accounts/login/", "/accounts/password/reset/"
EMAIL = "newhire@corp.test"


def with_password(email, password, verified=True, **fields):
    user = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


def sign_up(email=EMAIL, password=STRANGERS):
    browser = Client()
    assert browser.post(SIGNUP, {"email": email, "password1": password}).status_code == 302
    return browser


def log_in(email, password, browser=None):
    browser = browser or Client()
    browser.post(LOGIN, {"login": email, "password": password})
    return browser if "_auth_user_id" in browser.session else None


def link(kind, to=EMAIL):
    """The path in the newest mail of a kind, as a worker sends it."""
    row = OutgoingMail.objects.filter(kind=kind, to=to, sent_at=None).latest("pk")
    assert delivery.deliver(row.pk)
    return re.search(r"http://testserver(\S+)", django_mail.outbox[-1].body)[1]


def reset(where, password=OWN, **more):
    """Set a password by the link of a reset."""
    browser = Client()
    form = browser.get(where, follow=True)
    pair = {"password1": password, "password2": password}
    return browser.post(form.request["PATH_INFO"], pair | more)


def alive(token):
    return Api(token).get("/api/user").status_code == 200


def is_proven(email=EMAIL):
    return EmailAddress.objects.filter(user__email=email, email=email, verified=True).exists()


# --- The confirmation of a sign-up -------------------------------------------------------------


def test_one_browser_signs_up_by_a_single_press(db):
    browser = sign_up()
    where = link("email_confirmation")
    assert b'name="password1"' not in browser.get(where).content
    browser.post(where)
    assert "_auth_user_id" in browser.session
    assert log_in(EMAIL, STRANGERS)


def test_it_stays_a_single_press_when_the_mail_is_opened_late(db):
    browser = sign_up()
    where = link("email_confirmation")
    session = browser.session
    del session["account_login"]  # allauth keeps a log-in that waits for 15 minutes
    session.save()
    assert browser.post(where)["Location"] == LOGIN
    assert is_proven()


@pytest.mark.parametrize("form", [{}, {"password1": ""}, {"password1": OWN, "password2": "other"}])
def test_another_browser_confirms_nothing_without_a_password(db, form):
    attacker = sign_up()
    where = link("email_confirmation")
    person = Client()
    assert b'name="password1"' in person.get(where).content
    assert person.post(where, form).status_code == 200
    assert not is_proven()
    assert log_in(EMAIL, STRANGERS, attacker) is None


def test_another_browser_sets_the_password_there_and_then(db):
    attacker = sign_up()
    where = link("email_confirmation")
    person = Client()
    answer = person.post(where, {"password1": OWN, "password2": OWN})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert person.get("/account").status_code == 200
    assert is_proven()
    for browser in (attacker, Client()):
        assert log_in(EMAIL, STRANGERS, browser) is None
    assert log_in(EMAIL, OWN)
    assert Client().post(where, {"password1": STRANGERS, "password2": STRANGERS}).status_code == 404
    assert log_in(EMAIL, OWN)


def test_a_weak_password_is_refused_there_too(db):
    sign_up()
    where = link("email_confirmation")
    answer = Client().post(where, {"password1": "password", "password2": "password"})
    assert b"too common" in answer.content
    assert not is_proven()


def test_a_person_who_is_logged_in_elsewhere_is_asked_for_a_password(db):
    sign_up()
    where = link("email_confirmation")
    with_password("other@corp.test", OWN)
    browser = log_in("other@corp.test", OWN)
    browser.post(where)
    assert not is_proven()
    assert browser.get("/account").status_code == 200  # nobody is logged out by a link
    browser.post(where, {"password1": OWN, "password2": OWN})
    assert browser.get("/account").context["user"].email == EMAIL


def test_what_was_there_before_the_proof_is_void(db):
    sign_up()
    where = link("email_confirmation")
    user = User.objects.get(email=EMAIL)
    _, token = issue_token(user)
    TOTP.activate(user, generate_totp_secret())
    EmailAddress.objects.create(user=user, email="attacker@evil.test", verified=False)
    session = Client()
    session.force_login(user)
    browsers = session.post("/account/browser-token").json()["token"]
    Client().post(where, {"password1": OWN, "password2": OWN})
    assert not alive(token)
    assert not alive(browsers)
    assert session.get("/account").status_code == 302
    assert not Authenticator.objects.exists()
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [EMAIL]
    assert log_in(EMAIL, OWN)


def test_a_second_sign_up_leads_the_owner_to_a_password_of_their_own(db):
    attacker = sign_up()
    sign_up(password="another password")
    where = re.search(r"(/accounts/password/reset/key/\S+)", mail_text("account_exists"))[1]
    assert reset(where)["Location"] == "/accounts/password/reset/key/done/"
    assert log_in(EMAIL, OWN)
    for password in (STRANGERS, "another password"):
        assert log_in(EMAIL, password, attacker) is None


def mail_text(kind):
    link(kind)
    return django_mail.outbox[-1].body


def test_a_switched_off_account_is_not_confirmed(db):
    sign_up()
    where = link("email_confirmation")
    User.objects.update(is_active=False)
    assert b"has expired" in Client().get(where).content
    assert Client().post(where, {"password1": OWN, "password2": OWN}).status_code == 404


# --- Reset -------------------------------------------------------------------------------------


def test_the_first_reset_voids_tokens_too(db):
    attacker = sign_up()
    user = User.objects.get(email=EMAIL)
    _, token = issue_token(user)
    TOTP.activate(user, generate_totp_secret())
    confirm = link("email_confirmation")
    Client().post(RESET, {"email": EMAIL})
    where = link("password_reset")
    page = Client().get(where, follow=True).content.decode()
    assert re.search(r'<input[^>]*name="revoke_tokens"[^>]*disabled', page)
    reset(where)
    assert not alive(token)
    assert not Authenticator.objects.exists()
    assert log_in(EMAIL, OWN)
    assert log_in(EMAIL, STRANGERS, attacker) is None
    attacker.post(confirm)
    assert "_auth_user_id" not in attacker.session


@pytest.mark.parametrize(("more", "lives"), [({}, True), ({"revoke_tokens": "on"}, False)])
def test_a_later_reset_offers_to_revoke_tokens(db, more, lives):
    user = with_password(EMAIL, STRANGERS)
    _, token = issue_token(user)
    Client().post(RESET, {"email": EMAIL})
    where = link("password_reset")
    page = Client().get(where, follow=True).content.decode()
    assert re.search(r'<input[^>]*name="revoke_tokens"[^>]*checked', page)
    reset(where, **more)
    assert alive(token) is lives
    assert log_in(EMAIL, OWN)


@pytest.mark.parametrize(("more", "lives"), [({}, True), ({"revoke_tokens": "on"}, False)])
def test_changing_the_password_offers_it_too(db, more, lives):
    user = with_password(EMAIL, STRANGERS)
    _, token = issue_token(user)
    browser = log_in(EMAIL, STRANGERS)
    form = {"oldpassword": STRANGERS, "password1": OWN, "password2": OWN}
    assert b'name="revoke_tokens"' in browser.get("/accounts/password/change/").content
    assert browser.post("/accounts/password/change/", form | more).status_code == 302
    assert alive(token) is lives
    assert browser.get("/account").status_code == 200


# --- Another address ---------------------------------------------------------------------------


def ask_for_address(browser, password, email):
    add = {"email": email, "action_add": "1"}
    asked = browser.post("/accounts/email/", add)
    if asked["Location"].startswith("/accounts/reauthenticate/"):
        browser.post(asked["Location"], {"password": password, "next": "/accounts/email/"})


def test_an_address_moves_to_an_account_only_in_a_browser_that_is_logged_in_to_it(db):
    """Otherwise a stranger moves their account to an address that will be invited."""
    attacker = with_password("attacker@evil.test", STRANGERS)
    browser = log_in("attacker@evil.test", STRANGERS)
    ask_for_address(browser, STRANGERS, EMAIL)
    where = link("email_confirmation")
    with_password("other@corp.test", OWN)
    for person in (Client(), log_in("other@corp.test", OWN)):
        assert b"log in to that account" in person.get(where).content
        person.post(where)
        person.post(where, {"password1": OWN, "password2": OWN})
    attacker.refresh_from_db()
    assert attacker.email == "attacker@evil.test"
    assert log_in("attacker@evil.test", STRANGERS)
    browser = log_in("attacker@evil.test", STRANGERS)
    browser.post(where)
    attacker.refresh_from_db()
    assert attacker.email == EMAIL


def test_a_pending_address_keeps_nobody_from_signing_up(db):
    with_password("attacker@evil.test", STRANGERS)
    ask_for_address(log_in("attacker@evil.test", STRANGERS), STRANGERS, EMAIL)
    strangers_link = link("email_confirmation")
    person = sign_up(password=OWN)
    person.post(link("email_confirmation"))
    assert "_auth_user_id" in person.session
    assert EmailAddress.objects.filter(email=EMAIL).count() == 1  # the pending one is void
    browser = log_in("attacker@evil.test", STRANGERS)
    assert browser.post(strangers_link).status_code == 404


def test_a_sign_up_that_nobody_proved_keeps_nobody_from_an_address(db):
    sign_up()
    user = with_password("me@corp.test", OWN)
    browser = log_in("me@corp.test", OWN)
    ask_for_address(browser, OWN, EMAIL)
    browser.post(link("email_confirmation"))
    user.refresh_from_db()
    assert user.email == EMAIL
    assert log_in(EMAIL, OWN)
    assert log_in(EMAIL, STRANGERS) is None


# --- What binds rights to an address -----------------------------------------------------------


def issue(email):
    out = StringIO()
    call_command("issue_token", email, stdout=out)
    return out.getvalue().strip()


def own_a_company(email):
    call_command("create_company", "Corp", "--owner", email, stdout=StringIO())


def own_by_admin(email):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root@chat.test"))
    form = {
        "name": "Corp",
        "slug": "",
        "owner": email,
        "verify_first_join": "on",
        "edit_window_minutes": 15,
        "chat_user_token_days": 30,
    }
    assert browser.post("/admin/companies/company/add/", form).status_code == 302


@pytest.mark.parametrize("bind", [issue, own_a_company, own_by_admin, account_for])
def test_binding_rights_takes_the_account_from_whoever_signed_up(db, bind):
    attacker = sign_up()
    where = link("email_confirmation")
    bind(EMAIL.upper())
    user = User.objects.get(email=EMAIL)
    assert not user.has_usable_password()
    assert log_in(EMAIL, STRANGERS, attacker) is None
    attacker.post(where)  # even in the browser that signed up: its password is no longer one
    assert not is_proven()
    person = Client()
    person.post(where, {"password1": OWN, "password2": OWN})
    assert person.get("/account").context["user"] == user


def test_a_token_of_an_operator_outlives_the_next_one(db):
    sign_up()
    first = issue(EMAIL)
    second = issue(EMAIL)
    own_a_company(EMAIL)
    assert alive(first)
    assert alive(second)


def test_a_proven_account_is_left_as_it_is(db):
    user = with_password(EMAIL, OWN)
    _, token = issue_token(user)
    issue(EMAIL)
    assert alive(token)
    assert log_in(EMAIL, OWN)


def test_the_password_of_staff_is_left_as_it_is(db):
    User.objects.create_superuser("root@chat.test", OWN)
    Client().post(RESET, {"email": "root@chat.test"})  # makes allauth's row of the address
    issue("root@chat.test")
    form = {"username": "root@chat.test", "password": OWN, "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302


def save_in_admin(user, **changes):
    browser = Client()
    root, _ = User.objects.get_or_create(
        email="root@chat.test", defaults={"is_staff": True, "is_superuser": True}
    )
    browser.force_login(root)
    form = {"email": user.email, "is_active": "on"}
    inline = {"api_tokens-TOTAL_FORMS": 0, "api_tokens-INITIAL_FORMS": 0}
    here = f"/admin/accounts/user/{user.pk}/change/"
    assert browser.post(here, form | inline | changes).status_code == 302


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_a_stranger_does_not_become_staff(db, right):
    """The admin's own log-in asks for no proof of the address."""
    sign_up()
    save_in_admin(User.objects.get(email=EMAIL), **{right: "on", "is_staff": "on"})
    form = {"username": EMAIL, "password": STRANGERS, "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 200


def test_staff_who_change_an_address_leave_no_second_way_in(db):
    user = with_password("old@corp.test", OWN)
    save_in_admin(user, email=EMAIL)
    assert log_in("old@corp.test", OWN) is None
    browser = Client()
    browser.post(LOGIN, {"login": EMAIL, "password": OWN})
    browser.post(link("email_confirmation"))
    assert log_in(EMAIL, OWN)
    assert log_in("old@corp.test", OWN) is None


def test_a_log_in_that_waits_for_its_code_ends_with_the_password(db):
    """A browser that showed the old password must not come in by the second factor alone."""
    user = with_password(EMAIL, STRANGERS)
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    attacker = Client()
    answer = attacker.post(LOGIN, {"login": EMAIL, "password": STRANGERS})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    user.set_password(OWN)
    user.save()
    from accounts.tests.test_page_entrance import app_code

    attacker.post("/accounts/2fa/authenticate/", {"code": app_code(secret)})
    assert attacker.get("/account").status_code == 302
