"""Sign-up, log-in, reset and two-factor authentication, as django-allauth does them here."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail as django_mail
from django.test import Client

from accounts.models import User
from chatapi.limits.rate import Rate
from chatapi.mail import delivery, outbox
from chatapi.models import OutgoingMail

PASSWORD = "correct horse battery"
SIGNUP, LOGIN, RESET = "/accounts/signup/", "/accounts/login/", "/accounts/password/reset/"
SENT = "/accounts/confirm-email/"


def with_password(email, verified=True, **fields):
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


def log_in(client, email, password=PASSWORD):
    return client.post(LOGIN, {"login": email, "password": password})


def posted():
    """The mails that wait, as (kind, to)."""
    return [(each.kind, each.to) for each in OutgoingMail.objects.order_by("pk")]


def sent(kind):
    """The text of the newest mail of a kind, as a worker sends it."""
    row = OutgoingMail.objects.filter(kind=kind).latest("pk")
    assert delivery.deliver(row.pk)
    return django_mail.outbox[-1]


def link(letter):
    return re.search(r"http://testserver(\S+)", letter.body)[1]


def app_code(secret, later=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


@pytest.fixture
def secret():
    return generate_totp_secret()


@pytest.fixture
def tom(db, secret):
    """Has two-factor authentication on."""
    user = with_password("tom@acme.test", is_staff=True)
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return user


# --- Sign-up ---------------------------------------------------------------------------------


def test_sign_up_confirm_log_in(client, db):
    answer = client.post(SIGNUP, {"email": "Nora@New.test", "password1": PASSWORD})
    assert answer["Location"] == SENT
    assert posted() == [("email_confirmation", "nora@new.test")]
    assert django_mail.outbox == []  # a worker sends it
    assert log_in(Client(), "nora@new.test")["Location"] == SENT
    where = link(sent("email_confirmation"))
    stranger = Client()
    assert stranger.get(where).status_code == 200
    assert not EmailAddress.objects.get().verified  # a mail scanner follows links, too
    client.post(where)
    assert "_auth_user_id" in client.session
    assert "_auth_user_id" not in stranger.session
    client = Client()
    assert log_in(client, "NORA@new.test")["Location"] == "/"
    assert "_auth_user_id" in client.session


def test_sign_up_tells_nobody_who_has_an_account(db):
    with_password("known@acme.test")
    User.objects.create_user("invited@acme.test")
    answers = []
    for email in ("known@acme.test", "invited@acme.test", "new@acme.test"):
        client = Client()
        answer = client.post(SIGNUP, {"email": email, "password1": PASSWORD})
        page = client.get(answer["Location"])
        text = re.sub(r'value="[^"]{64}"', "", page.content.decode())
        again = client.post("/accounts/confirm-email/resend/")
        answers.append((answer.status_code, answer["Location"], text, again["Location"]))
    assert answers[0] == answers[1] == answers[2]
    kinds = ["account_exists", "account_exists", "email_confirmation"]
    assert [kind for kind, _ in posted()] == [kind for kind in kinds for _ in range(2)]
    assert not User.objects.get(email="invited@acme.test").has_usable_password()
    text = sent("account_exists").body
    assert "/accounts/password/reset/key/" in text


def test_sign_up_can_be_closed(client, db, settings):
    settings.SIGNUP_OPEN = False
    assert "closed" in client.get(SIGNUP).content.decode()
    client.post(SIGNUP, {"email": "new@acme.test", "password1": PASSWORD})
    assert not User.objects.exists()


def test_a_mail_is_in_the_language_of_the_page(client, db):
    client.post(f"{SIGNUP}?lang=de", {"email": "neu@acme.test", "password1": PASSWORD})
    assert OutgoingMail.objects.get().language == "de"
    assert '<html lang="de">' in sent("email_confirmation").alternatives[0][0]


# --- Reset -----------------------------------------------------------------------------------


def test_reset_proves_the_address_and_ends_other_sessions(client, db, anonymous):
    user = User.objects.create_user("bob@acme.test")  # as an invitation makes one
    other = Client()
    other.force_login(user)
    token = other.post("/account/browser-token").json()["token"]
    client.post(RESET, {"email": "Bob@acme.test"})
    where = link(sent("password_reset"))
    form = client.get(where, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    assert log_in(client, "bob@acme.test")["Location"] == "/"
    assert ("password_changed", "bob@acme.test") in posted()
    assert other.get("/account").status_code == 302
    assert anonymous.get("/api/user", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    assert b"has expired" in Client().get(where, follow=True).content


def test_reset_tells_nobody_who_has_an_account(db):
    with_password("known@acme.test")
    with_password("off@acme.test", is_active=False)
    answers = [
        Client().post(RESET, {"email": f"{name}@acme.test"}) for name in ("known", "new", "off")
    ]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, "/accounts/password/reset/done/")
    }
    assert [kind for kind, _ in posted()] == ["password_reset"] + ["unknown_account"] * 2
    assert "/accounts/signup/" in sent("unknown_account").body


def test_a_reset_is_not_sent_to_an_address_that_is_not_the_accounts(client, db):
    user = with_password("bob@acme.test")
    waiting = EmailAddress.objects.create(user=user, email="bob@new.test", verified=False)
    client.post(RESET, {"email": "bob@new.test"})
    assert posted() == []
    outbox.post("password_reset", waiting.pk, waiting.email)
    assert not delivery.deliver(OutgoingMail.objects.get().pk)


# --- Addresses -------------------------------------------------------------------------------


def test_another_address_replaces_the_old_one_when_it_is_confirmed(client, db):
    user = with_password("bob@acme.test")
    log_in(client, "bob@acme.test")
    add = {"email": "bob@new.test", "action_add": "1"}
    asked = client.post("/accounts/email/", add)
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    client.post(asked["Location"], {"password": PASSWORD, "next": "/accounts/email/"})
    where = link(sent("email_confirmation"))
    user.refresh_from_db()
    assert user.email == "bob@acme.test"
    client.post(where)
    user.refresh_from_db()
    assert user.email == "bob@new.test"
    assert ("email_changed", "bob@acme.test") in posted()


def test_an_address_that_an_invitation_took_meanwhile(client, db):
    user = with_password("bob@acme.test")
    row = EmailAddress.objects.create(user=user, email="bob@new.test", verified=False)
    outbox.post("email_confirmation", row.pk, row.email)
    where = link(sent("email_confirmation"))
    User.objects.create_user("bob@new.test")
    log_in(client, "bob@acme.test")
    assert (
        "already confirmed by a different account"
        in client.post(where, follow=True).content.decode()
    )
    user.refresh_from_db()
    row.refresh_from_db()
    assert (user.email, row.verified) == ("bob@acme.test", False)


# --- Limits ----------------------------------------------------------------------------------


@pytest.fixture
def few(settings):
    def limit(**rates):
        settings.LIMITS = settings.LIMITS | {name: Rate.parse(rate) for name, rate in rates.items()}

    return limit


def assert_refused(answer):
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert b"Try again in" in answer.content


def test_wrong_passwords_are_limited_for_a_network(db, few):
    few(LOGIN="2/h")
    with_password("bob@acme.test")
    for _ in range(5):  # right ones cost nothing
        assert log_in(Client(), "bob@acme.test").status_code == 302
    for n in range(2):
        log_in(Client(REMOTE_ADDR="10.0.1.1"), f"x{n}@acme.test", "wrong")
    assert_refused(log_in(Client(REMOTE_ADDR="10.0.1.1"), "x9@acme.test", "wrong"))


def test_sending_again_is_limited(client, db, few):
    few(CODE_MAIL="2/h")
    client.post(SIGNUP, {"email": "new@acme.test", "password1": PASSWORD})
    again = [client.post("/accounts/confirm-email/resend/") for _ in range(2)]
    assert again[0].status_code == 302
    assert_refused(again[1])
    assert Client().post("/accounts/confirm-email/resend/")["Location"] == LOGIN


def test_guessed_codes_are_limited(client, tom, few, secret):
    few(LOGIN="3/h")
    log_in(client, "tom@acme.test")
    for _ in range(3):
        assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert_refused(client.post("/accounts/2fa/authenticate/", {"code": app_code(secret)}))


# --- Two factors -----------------------------------------------------------------------------


def test_two_factors(client, tom, secret):
    assert log_in(client, "tom@acme.test")["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/account").status_code == 302
    code = app_code(secret)
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert client.get("/account").status_code == 200
    other = Client()
    log_in(other, "tom@acme.test")
    used = other.post("/accounts/2fa/authenticate/", {"code": code})
    assert "Incorrect code" in used.content.decode()  # a code is good once


def test_what_is_stored_of_two_factors_is_encrypted(tom, secret):
    for row in Authenticator.objects.all():
        assert secret not in str(row.data)
    kept = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    assert kept.data["seed"].startswith("gAAAA")


def test_the_admin_asks_for_the_second_factor(tom, secret):
    form = {"username": "tom@acme.test", "password": PASSWORD, "next": "/admin/"}
    for wrong in ({}, {"code": "000000"}):
        client = Client()
        answer = client.post("/admin/login/", form | wrong)
        assert answer.status_code == 200
        assert "authenticator app" in answer.content.decode()
        assert "_auth_user_id" not in client.session
    assert client.post("/admin/login/", form | {"code": app_code(secret)}).status_code == 302
    assert "_auth_user_id" in client.session


def test_staff_help_who_lost_the_app(client, tom):
    client.force_login(User.objects.create_superuser("root@acme.test"))
    chosen = {"action": "turn_off_two_factor", "_selected_action": [tom.pk]}
    client.post("/admin/accounts/user/", chosen)
    assert not Authenticator.objects.exists()
    assert posted() == [("totp_deactivated", "tom@acme.test")]
    assert "Two-factor authentication was turned off" in sent("totp_deactivated").body
    assert log_in(Client(), "tom@acme.test")["Location"] == "/"


def test_forms_from_elsewhere_are_refused(db):
    client = Client(enforce_csrf_checks=True)
    for path in (SIGNUP, LOGIN, RESET, "/accounts/logout/"):
        assert client.post(path, {}).status_code == 403
