"""Guesses at an account's secrets, and mails that strangers ask for, lock nobody out."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import get_hasher
from django.core import mail as django_mail
from django.test import Client
from django.utils import timezone

from accounts.actions.addresses import verify_address
from accounts.actions.users import account_for
from accounts.models import User
from chatapi.limits.rate import Rate
from chatapi.mail.delivery import deliver, due
from chatapi.models import OutgoingMail

PASSWORD = "a-good-password-7"
EMAIL = "bob@acme.test"
LOGIN, RESET, SIGNUP = "/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"


@pytest.fixture
def bob_logs_in(db):
    user = account_for(EMAIL)
    verify_address(user, PASSWORD)
    return user


def site(client, password=PASSWORD, email=EMAIL):
    return client.post(LOGIN, {"login": email, "password": password})


def admin(client, password=PASSWORD, email=EMAIL):
    form = {"username": email, "password": password, "next": "/admin/"}
    return client.post("/admin/login/", form)


def is_in(client):
    return "_auth_user_id" in client.session


def from_network(n, **cookies):
    client = Client(REMOTE_ADDR=f"10.{n // 65536}.{n // 256 % 256}.{n % 256}")
    client.cookies.load(cookies)
    return client


def send_mails():
    django_mail.outbox = []
    for mail_id in due(timezone.now()):
        deliver(mail_id)
    return django_mail.outbox


@pytest.mark.parametrize("log_in", [site, admin])
def test_wrong_passwords_of_a_stranger_keep_nobody_out(bob_logs_in, log_in):
    User.objects.filter(email=EMAIL).update(is_staff=True, is_superuser=True)
    attacker = from_network(1)
    for _ in range(15):
        log_in(attacker, "wrong")
    assert log_in(attacker).status_code in {200, 429}
    assert not is_in(attacker)
    owner = from_network(2)
    log_in(owner)
    assert is_in(owner)


@pytest.mark.parametrize("log_in", [site, admin])
def test_a_crowd_of_networks_shares_a_pool_that_a_known_browser_does_without(
    bob_logs_in, log_in, settings
):
    User.objects.filter(email=EMAIL).update(is_staff=True, is_superuser=True)
    settings.LIMITS = settings.LIMITS | {"LOGIN_ACCOUNT": Rate.parse("5/h")}
    known = from_network(1)
    log_in(known)
    assert is_in(known)
    assert known.cookies["known_browser"]["httponly"]
    known.cookies.pop("sessionid")
    for n in range(10, 20):
        log_in(from_network(n), "wrong")
    # One of the crowd guesses right, and can't tell.
    wrong, right = from_network(30), from_network(31)
    answers = [log_in(wrong, "wrong"), log_in(right)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not is_in(right)
    log_in(known)
    assert is_in(known)


@pytest.mark.parametrize("log_in", [site, admin])
@pytest.mark.parametrize("pool", ["9/h", "1/h"])
def test_a_right_password_takes_the_work_of_a_wrong_one(
    bob_logs_in, log_in, pool, settings, monkeypatch
):
    """How long an answer takes is an answer too, above all when the pool is empty."""
    settings.LIMITS = settings.LIMITS | {"LOGIN_ACCOUNT": Rate.parse(pool)}
    hashed = []
    hasher = type(get_hasher())
    encode = hasher.encode

    def noted(self, *args, **kwargs):
        hashed.append(args)
        return encode(self, *args, **kwargs)

    other = account_for("about-to-move@acme.test")
    verify_address(other, PASSWORD)
    EmailAddress.objects.create(user=other, email=EMAIL, verified=False)
    EmailAddress.objects.create(user=other, email="nobody@acme.test", verified=False)
    log_in(from_network(1), "wrong")
    monkeypatch.setattr(hasher, "encode", noted)
    counts = []
    for n, (email, password) in enumerate(
        [(EMAIL, PASSWORD), (EMAIL, "wrong"), ("nobody@acme.test", "wrong")]
    ):
        hashed.clear()
        log_in(from_network(n + 2), password, email)
        counts.append(len(hashed))
    assert counts == [1, 1, 1]


def test_a_code_is_not_looked_at_when_the_pool_is_empty(bob_logs_in, settings, monkeypatch):
    settings.LIMITS = settings.LIMITS | {"LOGIN_ACCOUNT": Rate.parse("1/h")}
    TOTP.activate(bob_logs_in, generate_totp_secret())
    looked = []
    monkeypatch.setattr(TOTP, "validate_code", lambda self, code: bool(looked.append(code)))
    intruder = from_network(1)
    site(intruder)
    for code in ("111111", "222222"):
        intruder.post("/accounts/2fa/authenticate/", {"code": code})
    assert looked == ["111111"]
    assert [each.to for each in send_mails()] == [[EMAIL]]


def test_the_owner_of_the_mailbox_lets_a_new_browser_in(bob_logs_in, settings):
    settings.LIMITS = settings.LIMITS | {"LOGIN_ACCOUNT": Rate.parse("2/h")}
    for n in range(10, 15):
        site(from_network(n), "wrong")
    assert not OutgoingMail.objects.exists()
    owner = from_network(40)
    for _ in range(3):
        assert not is_in(owner)
        site(owner)
    letter = send_mails()[0]
    assert letter.to == [EMAIL]
    path = re.search(r"http://testserver(/accounts/known-browser/\S+)", letter.body)[1]
    assert owner.get(path).status_code == 200  # asks; a program that opens links does no more
    site(owner)
    assert not is_in(owner)
    assert owner.post(path).status_code == 302
    site(owner)
    assert is_in(owner)
    assert owner.get("/accounts/known-browser/made-up/").status_code == 404


def test_a_browser_is_known_for_its_own_accounts_alone(bob_logs_in, settings):
    settings.LIMITS = settings.LIMITS | {"LOGIN": Rate.parse("3/h")}
    other = account_for("eve@acme.test")
    verify_address(other, PASSWORD)
    eve = from_network(1)
    site(eve, email="eve@acme.test")
    eve.cookies.pop("sessionid")
    for _ in range(3):
        site(eve, "wrong")
    assert site(eve).status_code == 429
    forged = from_network(2, known_browser="made-up")
    for _ in range(3):
        site(forged, "wrong")
    assert site(forged).status_code == 429


@pytest.mark.parametrize("kind", [RESET, SIGNUP])
@pytest.mark.parametrize("email", [EMAIL, "nobody@acme.test"])
def test_mails_that_strangers_ask_for_are_answered_alike(bob_logs_in, settings, kind, email):
    settings.LIMITS = settings.LIMITS | {"MAIL": Rate.parse("3/h"), "CODE_MAIL": Rate.parse("2/h")}
    form = {"email": email, "password1": PASSWORD}
    network = [from_network(1).post(kind, form).status_code for _ in range(3)]
    assert network == [302, 302, 429]  # its own limit
    crowd = [from_network(n).post(kind, form) for n in range(10, 15)]
    assert {(answer.status_code, answer["Location"]) for answer in crowd} == {
        (302, crowd[0]["Location"])
    }
    assert OutgoingMail.objects.filter(to=email).count() == 3


def test_a_known_browser_gets_its_reset_whatever_strangers_did(bob_logs_in, settings):
    settings.LIMITS = settings.LIMITS | {"MAIL": Rate.parse("2/h")}
    known = from_network(1)
    site(known)
    known.cookies.pop("sessionid")
    for n in range(10, 15):
        from_network(n).post(RESET, {"email": EMAIL})
    before = OutgoingMail.objects.count()
    known.post(RESET, {"email": EMAIL})
    assert OutgoingMail.objects.count() == before + 1


def test_resets_and_sign_ups_do_not_use_up_each_other(bob_logs_in, settings):
    settings.LIMITS = settings.LIMITS | {"MAIL": Rate.parse("1/h")}
    from_network(1).post(SIGNUP, {"email": EMAIL, "password1": PASSWORD})
    from_network(2).post(RESET, {"email": EMAIL})
    kinds = set(OutgoingMail.objects.values_list("kind", flat=True))
    assert kinds == {"account_exists", "password_reset"}
