"""Invitations: nobody is a member before they accept, and nothing is told of them until then."""

import re
from collections import Counter
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as django_mail
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from accounts.actions.tokens import issue_token
from accounts.actions.users import account_for
from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.mail import delivery
from chatapi.models import OutgoingMail
from chatapi.tests.races import at_once
from chats.actions import chats
from companies.actions import invitations as actions
from companies.models import Membership, Role
from conftest import Client, make_person

PATH = "/api/companies/acme/users"
PASSWORD = "correct horse battery"
IVY = "ivy@new.test"


def prove(person_or_user):
    user = getattr(person_or_user, "user", person_or_user)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    return person_or_user


@pytest.fixture
def ivy(db):
    """Has a proven account, and a password."""
    person = prove(make_person(IVY, "Ivy"))
    person.user.set_password(PASSWORD)
    person.user.save()
    return person


def browser_of(person):
    browser = Browser()
    browser.force_login(person.user)
    return browser


def invite(by, email=IVY, role="agent", expect=201):
    answer = by.api.post(PATH, {"email": email, "role": role})
    assert answer.status_code == expect, answer.content
    return answer.json()


def letters():
    return OutgoingMail.objects.filter(kind="company_invitation").count()


def letter():
    """The newest invitation, as a worker sends it; None when it is no longer wanted."""
    row = OutgoingMail.objects.filter(kind="company_invitation").latest("pk")
    return django_mail.outbox[-1] if delivery.deliver(row.pk) else None


def link():
    return re.search(r"http://testserver(\S+)", letter().body)[1]


def is_member(acme, email=IVY):
    return Membership.objects.live().filter(company=acme, user__email=email).exists()


# --- What is told ------------------------------------------------------------------------------


def test_the_answer_is_alike_whoever_has_the_address(alice, acme, ivy):
    known, unknown = invite(alice), invite(alice, "nobody@new.test")
    assert list(known) == list(unknown)
    differ = {name for name in known if known[name] != unknown[name]}
    assert differ == {"id", "email", "created_at"}
    assert (known["email"], known["role"], known["status"]) == (IVY, "agent", "invited")
    assert known["name"] is None
    assert str(ivy.user.pk) not in {str(known["id"]), str(unknown["id"])}
    assert "Ivy" not in str(known)
    assert known["id"] < 0
    assert not User.objects.filter(email="nobody@new.test").exists()


def test_the_list_and_the_page_show_the_address_alone(alice, acme, ivy, bob):
    entry = invite(alice)
    listed = bob.api.get(PATH).json()["data"]
    assert entry in listed
    assert {each["email"]: each["status"] for each in listed} == {
        "alice@acme.test": "active",
        "bob@acme.test": "active",
        IVY: "invited",
    }
    assert bob.api.get(f"{PATH}/{entry['id']}").json() == entry
    assert bob.api.get(f"{PATH}/{ivy.user.pk}").status_code == 404
    text = browser_of(alice).get("/companies/acme/members").content.decode()
    assert IVY in text
    assert "Ivy" not in text
    assert "Ivy" not in letter().body


def test_the_invited_has_no_access_before_they_accept(alice, acme, chat, ivy):
    invite(alice)
    for path in ("/api/companies/acme", PATH, f"/api/chats/{chat.pk}"):
        assert ivy.api.get(path).status_code == 404
    assert ivy.api.get("/api/chats").json()["data"] == []
    assert ivy.api.get("/api/events").json()["data"] == []
    assert ivy.api.get("/api/user").json()["companies"] == []
    assert ivy.api.post(f"/api/chats/{chat.pk}/users").status_code == 404
    browser = browser_of(ivy)
    assert browser.get("/companies/acme").status_code == 404
    assert not is_member(acme)


def test_an_invited_owner_is_none_yet(alice, acme, ivy):
    entry = invite(alice, role="owner")
    for answer in (
        alice.api.delete(f"{PATH}/{alice.user.pk}"),
        alice.api.put(f"{PATH}/{alice.user.pk}", {"role": "agent"}),
    ):
        assert answer.json()["code"] == "last_owner"
    assert alice.api.put(f"{PATH}/{entry['id']}", {"role": "manager"}).json()["role"] == "manager"


# --- Changing and cancelling -------------------------------------------------------------------


def test_a_manager_changes_and_cancels_an_invitation(alice, mary, bob, acme, ivy):
    entry = invite(mary)
    here = f"{PATH}/{entry['id']}"
    assert mary.api.put(here, {"role": "manager"}).json()["role"] == "manager"
    assert mary.api.put(here, {"role": "owner"}).status_code == 403
    for method in ("put", "delete"):
        assert getattr(bob.api, method)(here, {"role": "agent"}).status_code == 403
        assert getattr(ivy.api, method)(here, {"role": "agent"}).status_code == 404
    where = link()
    gone = mary.api.delete(here)
    assert gone.status_code == 200
    assert gone.json()["ended_at"] is not None
    assert gone.json()["name"] is None
    assert mary.api.get(here).status_code == 404
    assert b"no longer valid" in browser_of(ivy).get(where).content
    assert not is_member(acme)


def test_an_invitation_to_own_is_an_owners_to_cancel(alice, mary, acme):
    entry = invite(alice, role="owner")
    assert mary.api.delete(f"{PATH}/{entry['id']}").status_code == 403
    assert mary.api.post(PATH, {"email": IVY, "role": "agent"}).status_code == 403
    assert alice.api.delete(f"{PATH}/{entry['id']}").status_code == 200


def test_inviting_again_sends_the_mail_again_but_not_at_once(alice, acme):
    first = invite(alice)
    again = invite(alice, role="manager")
    assert again == first | {"role": "manager"}
    assert letters() == 1
    Membership.objects.update(mailed_at=timezone.now() - timezone.timedelta(hours=1))
    assert invite(alice)["id"] == first["id"]
    assert letters() == 2


def test_who_accepted_is_a_member_already(alice, acme, ivy):
    invite(alice)
    accept(ivy)
    assert alice.api.post(PATH, {"email": IVY.upper()}).json()["code"] == "already_member"


@pytest.mark.parametrize("name", ["-0", "-01", "--1", "-", "-9223372036854775809", "- 1", "-1.0"])
def test_what_is_no_id_of_an_invitation(alice, acme, name):
    invite(alice)
    assert alice.api.get(f"{PATH}/{name}").status_code == 404


def test_an_invitation_of_another_company_is_none_here(alice, acme, charlie):
    entry = invite(alice)
    path = f"/api/companies/outside/users/{entry['id']}"
    assert charlie.api.get(path).status_code == 404
    assert charlie.api.delete(path).status_code == 404


# --- Accepting ---------------------------------------------------------------------------------


def accept(person, expect=200):
    answer = person.api.post(f"{PATH}/accept")
    assert answer.status_code == expect, answer.content
    return answer.json()


def test_accepting_by_the_api(alice, acme, chat, ivy):
    invite(alice, role="manager")
    body = accept(ivy)
    assert (body["id"], body["name"], body["status"]) == (ivy.user.pk, "Ivy Test", "active")
    assert body["role"] == "manager"
    assert ivy.api.get(f"/api/chats/{chat.pk}").status_code == 200
    accept(ivy, expect=404)


def test_an_invitation_makes_nobody_else_a_member(alice, acme, ivy, charlie):
    """Not even if the page was opened before the address got a verified account."""
    invite(alice)
    invitation = Membership.objects.invited().get()
    for accept_it in (
        lambda: actions.accept_invitation(invitation, charlie.user),
        lambda: actions.accept_with_password(invitation, "another long password"),
    ):
        with pytest.raises(ApiError) as refused:
            accept_it()
        assert refused.value.error_code == ErrorCode.NOT_FOUND
    assert not is_member(acme, charlie.user.email)
    assert User.objects.get(email=IVY).check_password(PASSWORD)


@pytest.mark.parametrize("proven", [True, False])
def test_nobody_else_accepts(alice, acme, charlie, proven):
    invite(alice)
    if proven:
        prove(charlie)
    accept(charlie, expect=404)
    assert not is_member(acme, charlie.user.email)


def test_an_unproven_account_accepts_nothing(alice, acme):
    invite(alice)
    _, token = issue_token(account_for(IVY))
    assert Client(token).post(f"{PATH}/accept").status_code == 404
    browser = Browser()
    browser.force_login(User.objects.get(email=IVY))
    assert "Acme" not in browser.get("/companies").content.decode()


def test_accepting_and_declining_on_the_pages(alice, acme, ivy):
    browser = browser_of(ivy)
    entry = invite(alice)
    page = browser.get("/companies").content.decode()
    assert "Acme" in page
    here = f"/invitations/{-entry['id']}"
    assert browser.post(here, {"answer": "accept"})["Location"] == "/companies/acme"
    assert is_member(acme)
    assert "Ivy Test" in browser_of(alice).get("/companies/acme/members").content.decode()
    assert browser.post(here, {"answer": "accept"}).status_code == 404


def test_another_person_has_no_page_of_an_invitation(alice, acme, charlie):
    entry = invite(alice)
    browser = browser_of(prove(charlie))
    for answer in ("accept", "decline"):
        assert browser.post(f"/invitations/{-entry['id']}", {"answer": answer}).status_code == 404
    assert Browser().post(f"/invitations/{-entry['id']}", {"answer": "accept"}).status_code == 302
    assert invite(alice)["id"] == entry["id"]


def test_the_link_of_somebody_without_an_account(alice, acme):
    invite(alice)
    where = link()
    person = Browser()
    page = person.get(where).content.decode()
    assert 'name="password1"' in page
    assert not User.objects.filter(email=IVY).exists()
    for wrong in ({}, {"password1": PASSWORD, "password2": "x"}):
        assert person.post(where, wrong | {"answer": "accept"}).status_code == 200
    assert not User.objects.filter(email=IVY).exists()
    pair = {"password1": PASSWORD, "password2": PASSWORD, "answer": "accept"}
    assert person.post(where, pair)["Location"] == "/companies/acme"
    assert person.get("/companies/acme").status_code == 200
    assert EmailAddress.objects.get(email=IVY).verified
    assert b"no longer valid" in Browser().get(where).content
    assert Browser().post(where, pair).status_code == 404
    entered = Browser()
    entered.post("/accounts/login/", {"login": IVY, "password": PASSWORD})
    assert entered.get("/companies/acme").status_code == 200


def test_sign_up_may_be_closed(alice, acme, settings):
    settings.SIGNUP_OPEN = False
    invite(alice)
    pair = {"password1": PASSWORD, "password2": PASSWORD, "answer": "accept"}
    assert Browser().post(link(), pair)["Location"] == "/companies/acme"


def test_the_link_of_somebody_with_an_account(alice, acme, ivy):
    invite(alice)
    where = link()
    stranger = Browser()
    page = stranger.get(where).content.decode()
    assert f"/accounts/login/?next={quote(where)}" in page
    pair = {"password1": "another password", "password2": "another password", "answer": "accept"}
    assert stranger.post(where, pair).status_code == 200
    assert not is_member(acme)
    log_in = {"login": IVY, "password": PASSWORD, "next": where}
    assert stranger.post("/accounts/login/", log_in)["Location"] == where
    assert stranger.post(where, {"answer": "accept"})["Location"] == "/companies/acme"
    assert is_member(acme)


def test_the_link_in_a_browser_of_another_person(alice, acme, ivy, charlie):
    invite(alice)
    where = link()
    browser = browser_of(prove(charlie))
    assert b"log out" in browser.get(where).content.lower()
    browser.post(where, {"answer": "accept", "password1": PASSWORD, "password2": PASSWORD})
    assert not is_member(acme)
    assert not is_member(acme, charlie.user.email)


def test_the_link_takes_the_account_from_whoever_signed_up(alice, acme):
    """The attacker had signed up with the address before the company invited it."""
    attacker = Browser()
    attacker.post("/accounts/signup/", {"email": IVY, "password1": "the stranger's horse"})
    invite(alice)
    user = User.objects.get(email=IVY)
    _, token = issue_token(user)
    where = link()
    pair = {"password1": PASSWORD, "password2": PASSWORD, "answer": "accept"}
    person = Browser()
    assert person.post(where, pair)["Location"] == "/companies/acme"
    assert Client(token).get("/api/user").status_code == 401
    for browser in (attacker, Browser()):
        browser.post("/accounts/login/", {"login": IVY, "password": "the stranger's horse"})
        assert "_auth_user_id" not in browser.session
    assert person.get("/companies/acme").status_code == 200


def test_who_signs_up_after_the_invitation_finds_it(alice, acme):
    invite(alice)
    person = Browser()
    person.post("/accounts/signup/", {"email": IVY, "password1": PASSWORD})
    row = OutgoingMail.objects.get(kind="email_confirmation")
    delivery.deliver(row.pk)
    person.post(re.search(r"http://testserver(\S+)", django_mail.outbox[-1].body)[1])
    assert "Acme" in person.get("/companies").content.decode()
    assert not is_member(acme)


@pytest.mark.parametrize("wrong", ["x", "MQ:1xWOol:J7LNtFx2oE9xQiiBlnVRvw7kbF6NtW1ZgXXx7Smu1hA"])
def test_a_link_that_nobody_made(db, wrong):
    assert b"no longer valid" in Browser().get(f"/invitation/{wrong}").content
    assert Browser().post(f"/invitation/{wrong}", {"answer": "accept"}).status_code == 404


def test_a_link_is_good_for_some_days(alice, acme, ivy, monkeypatch):
    invite(alice)
    where = link()
    now = timezone.now().timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 8 * 86400)
    assert b"no longer valid" in Browser().get(where).content


def test_an_invitation_to_a_company_that_is_gone(alice, acme, ivy):
    entry = invite(alice)
    where = link()
    alice.api.delete("/api/companies/acme")
    accept(ivy, expect=404)
    assert b"no longer valid" in Browser().get(where).content
    browser = browser_of(ivy)
    assert "Acme" not in browser.get("/companies").content.decode()
    assert browser.post(f"/invitations/{-entry['id']}", {"answer": "accept"}).status_code == 404


def test_a_switched_off_account_accepts_nothing(alice, acme, ivy):
    invite(alice)
    where = link()
    User.objects.filter(email=IVY).update(is_active=False)
    pair = {"password1": PASSWORD, "password2": PASSWORD, "answer": "accept"}
    Browser().post(where, pair)
    assert not is_member(acme)
    assert not User.objects.get(email=IVY).is_active


# --- Declining ---------------------------------------------------------------------------------


def decline(person, entry, **more):
    answer = browser_of(person).post(f"/invitations/{-entry['id']}", {"answer": "decline"} | more)
    assert answer.status_code == 302


def test_declining_once(alice, acme, ivy):
    entry = invite(alice)
    decline(ivy, entry)
    assert IVY not in str(alice.api.get(PATH).json()["data"])
    accept(ivy, expect=404)
    again = invite(alice)
    assert again["id"] != entry["id"]
    assert letters() == 2
    assert letter() is not None


def test_declining_by_the_api(alice, acme, charlie, ivy):
    entry = invite(alice)
    sent = {"decline": True}
    assert prove(charlie).api.post(f"{PATH}/accept", sent).status_code == 404
    body = ivy.api.post(f"{PATH}/accept", sent).json()
    assert (body["id"], body["name"], body["status"]) == (entry["id"], None, "ended")
    assert ivy.api.post(f"{PATH}/accept", sent).status_code == 404
    assert not is_member(acme)


@pytest.mark.parametrize("block", ["company", "all"])
def test_declining_for_good(alice, acme, charlie, ivy, block):
    decline(ivy, invite(alice), block=block)
    told = letters()
    fresh, silent = invite(alice, "nobody@new.test"), invite(alice)
    assert letters() == told + 1
    assert list(fresh) == list(silent)
    assert silent["status"] == "invited"
    assert silent in alice.api.get(PATH).json()["data"]
    accept(ivy, expect=404)
    assert f"/invitations/{-silent['id']}" not in browser_of(ivy).get("/companies").content.decode()
    other = charlie.api.post("/api/companies/outside/users", {"email": IVY})
    assert other.status_code == 201
    assert letters() == told + (2 if block == "company" else 1)


def test_a_block_is_lifted(alice, acme, ivy):
    decline(ivy, invite(alice), block="company")
    entry = invite(alice)
    browser = browser_of(ivy)
    block = re.search(
        r'action="(/invitations/blocks/\d+)"', browser.get("/companies").content.decode()
    )
    assert browser.post(block[1])["Location"] == "/companies"
    assert f"/invitations/{-entry['id']}" in browser.get("/companies").content.decode()
    accept(ivy)


def test_declining_by_the_link_needs_no_account(alice, acme):
    invite(alice)
    where = link()
    Browser().post(where, {"answer": "decline", "block": "company"})
    assert not User.objects.filter(email=IVY).exists()
    told = letters()
    invite(alice)
    assert letters() == told


def test_a_mail_that_waits_is_not_sent_after_all(alice, acme, ivy):
    decline(ivy, invite(alice), block="all")
    assert letter() is None


# --- Operators ---------------------------------------------------------------------------------


def test_a_member_that_an_operator_adds_asks_nobody(alice, acme):
    entry = invite(alice)
    call_command("add_member", "acme", IVY, "--role", "manager")
    assert is_member(acme)
    assert alice.api.get(f"{PATH}/{entry['id']}").status_code == 404
    for wrong in (["acme", "no-address"], ["nowhere", IVY], ["acme", IVY]):
        with pytest.raises(CommandError):
            call_command("add_member", *wrong)


def test_the_chats_of_a_member_who_accepted(alice, acme, ivy):
    chat = chats.create(acme, name="Help")
    invite(alice)
    accept(ivy)
    joined = ivy.api.post(f"/api/chats/{chat.pk}/users")
    assert joined.status_code == 201
    membership = Membership.objects.get(user=ivy.user)
    alice.api.delete(f"{PATH}/{ivy.user.pk}")
    assert Client(joined.json()["token"]).get(f"/api/chats/{chat.pk}").status_code == 401
    membership.refresh_from_db()
    assert membership.role == Role.AGENT


def test_the_address_of_an_ended_invitation_is_pruned(alice, acme, ivy):
    invite(alice, "nobody@new.test")
    decline(ivy, invite(alice))
    call_command("prune", verbosity=0)
    assert Membership.objects.filter(email=IVY).exists()
    long_ago = timezone.now() - timezone.timedelta(days=31)
    Membership.objects.filter(email=IVY).update(ended_at=long_ago)
    call_command("prune", verbosity=0)
    assert not Membership.objects.filter(email=IVY).exists()
    assert Membership.objects.invited().count() == 1


# --- At the same time --------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_accepted_once(alice, acme, ivy):
    invite(alice)
    answers = at_once(*[lambda: ivy.api.post(f"{PATH}/accept").status_code for _ in range(8)])
    assert Counter(answers) == {200: 1, 404: 7}
    assert Membership.objects.live().filter(user=ivy.user).count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_accepted_or_cancelled(alice, acme, ivy):
    for _ in range(5):
        entry = invite(alice)
        accepted, cancelled = at_once(
            lambda: ivy.api.post(f"{PATH}/accept").status_code,
            lambda entry=entry: alice.api.delete(f"{PATH}/{entry['id']}").status_code,
        )
        assert (accepted, cancelled) in {(200, 404), (404, 200)}
        assert is_member(acme) is (accepted == 200)
        Membership.objects.filter(company=acme, user=ivy.user).delete()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_address_is_invited_once(alice, mary, acme):
    at_once(*[lambda who=who: who.api.post(PATH, {"email": IVY}) for who in [alice, mary] * 4])
    assert Membership.objects.invited().filter(email=IVY).count() == 1
    assert letters() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_browsers_with_the_link_set_one_password(alice, acme):
    invite(alice)
    where = link()

    def accept_by(password):
        form = {"password1": password, "password2": password, "answer": "accept"}
        return Browser().post(where, form).status_code

    passwords = ["one long password", "another long password"]
    answers = at_once(*[lambda password=password: accept_by(password) for password in passwords])
    assert Counter(answers) == {302: 1, 404: 1}
    user = User.objects.get(email=IVY)
    assert user.check_password(passwords[answers.index(302)])
    assert Membership.objects.live().filter(user=user).count() == 1
