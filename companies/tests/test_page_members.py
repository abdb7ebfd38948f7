"""/companies/{slug}/members"""

import pytest
from django.core import mail as django_mail
from django.test import Client

from accounts.models import User
from chatapi.limits.rate import Rate
from chatapi.mail import delivery
from chatapi.models import OutgoingMail
from companies.models import Membership, Role

PATH = "/companies/acme/members"


@pytest.fixture
def browser():
    def of(person):
        client = Client()
        client.force_login(person.user)
        return client

    return of


def roles(acme):
    live = Membership.objects.live().filter(company=acme)
    return {each.user.email.partition("@")[0]: each.role for each in live.select_related("user")}


def invitation():
    """The text of the newest invitation, as a worker sends it."""
    row = OutgoingMail.objects.filter(kind="company_invitation").latest("pk")
    assert delivery.deliver(row.pk)
    return django_mail.outbox[-1].body


def test_everybody_sees_the_members(browser, acme, alice, mary, bob):
    for person in (alice, mary, bob):
        text = browser(person).get(PATH).content.decode()
        for each in (alice, mary, bob):
            assert each.user.email in text
    assert "Invite someone" not in text  # to bob


def test_inviting(browser, acme, mary, bob):
    answer = browser(mary).post(PATH, {"email": " Ivy@New.test ", "role": "agent"})
    assert answer["Location"] == PATH
    assert "ivy" not in roles(acme)
    text = browser(mary).get(PATH).content.decode()
    assert "ivy@new.test" in text
    assert "Invitation pending" in text
    again = browser(mary).post(PATH, {"email": "bob@acme.test", "role": "agent"})
    assert "This person is already a member." in again.content.decode()
    for form in ({"email": "ivy", "role": "agent"}, {"email": "eve@new.test", "role": "owner"}):
        text = browser(mary).post(PATH, form).content.decode()
        assert 'class="errorlist"' in text
        assert form["email"] in text
    assert browser(bob).post(PATH, {"email": "eve@new.test", "role": "agent"}).status_code == 403
    assert not User.objects.filter(email="eve@new.test").exists()


def test_invitations_to_an_address_are_limited(browser, acme, mary, settings):
    settings.LIMITS = settings.LIMITS | {"CODE_MAIL": Rate.parse("1/h")}
    form = {"email": "ivy@new.test", "role": "agent"}
    assert browser(mary).post(PATH, form).status_code == 302
    assert browser(mary).post(PATH, form).status_code == 429


def test_the_mail_names_the_role_and_the_address(browser, acme, alice):
    browser(alice).post(PATH, {"email": "ivy@new.test", "role": "manager"})
    text = invitation()
    assert "as a manager" in text
    assert "ivy@new.test" in text
    assert "http://testserver/invitation/" in text


def test_an_invitation_is_changed_and_cancelled(browser, acme, alice, mary, bob):
    browser(mary).post(PATH, {"email": "ivy@new.test", "role": "agent"})
    number = Membership.objects.invited().get().public_id
    assert browser(mary).post(f"{PATH}/{number}/role", {"role": "manager"})["Location"] == PATH
    assert Membership.objects.invited().get().role == Role.MANAGER
    assert browser(bob).post(f"{PATH}/{number}/remove").status_code == 403
    page = browser(mary).get(f"{PATH}/{number}/remove").content.decode()
    assert "Cancel invitation" in page
    assert browser(mary).post(f"{PATH}/{number}/remove")["Location"] == PATH
    assert not Membership.objects.invited().exists()
    assert browser(mary).get(f"{PATH}/{number}/remove").status_code == 404


@pytest.mark.parametrize(
    ("who", "whose", "role", "status"),
    [
        ("alice", "mary", "owner", 302),
        ("alice", "bob", "manager", 302),
        ("mary", "bob", "manager", 302),
        ("bob", "mary", "agent", 403),
        ("bob", "bob", "owner", 403),
        ("charlie", "bob", "agent", 404),
    ],
)
def test_changing_roles(request, browser, acme, alice, mary, bob, who, whose, role, status):
    by, member = request.getfixturevalue(who), request.getfixturevalue(whose)
    before = roles(acme)
    answer = browser(by).post(f"{PATH}/{member.user.pk}/role", {"role": role})
    assert answer.status_code == status
    assert roles(acme) == (before | {whose: role} if status == 302 else before)


def test_a_manager_makes_and_unmakes_no_owner(browser, acme, alice, mary, bob):
    before = roles(acme)
    browser(mary).post(f"{PATH}/{bob.user.pk}/role", {"role": "owner"})
    answer = browser(mary).post(f"{PATH}/{alice.user.pk}/role", {"role": "agent"})
    assert answer.status_code == 403
    assert browser(mary).post(f"{PATH}/{alice.user.pk}/remove").status_code == 403
    assert roles(acme) == before


def test_taking_out(browser, acme, alice, mary, bob):
    assert browser(bob).get(f"{PATH}/{mary.user.pk}/remove").status_code == 403
    assert browser(bob).post(f"{PATH}/{mary.user.pk}/remove").status_code == 403
    assert "Remove member" in browser(mary).get(f"{PATH}/{bob.user.pk}/remove").content.decode()
    assert browser(mary).post(f"{PATH}/{bob.user.pk}/remove")["Location"] == PATH
    assert "bob" not in roles(acme)
    assert browser(bob).get(PATH).status_code == 404
    assert browser(mary).get(f"{PATH}/{bob.user.pk}/remove").status_code == 404


def test_leaving(browser, acme, alice, bob):
    assert "Leave company" in browser(bob).get(f"{PATH}/{bob.user.pk}/remove").content.decode()
    assert browser(bob).post(f"{PATH}/{bob.user.pk}/remove")["Location"] == "/companies"
    assert "bob" not in roles(acme)


def test_the_last_owner_stays(browser, acme, alice):
    for path, form in (("remove", {}), ("role", {"role": "agent"})):
        answer = browser(alice).post(f"{PATH}/{alice.user.pk}/{path}", form, follow=True)
        assert "A company must keep at least one owner." in answer.content.decode()
    assert roles(acme) == {"alice": Role.OWNER}


def test_a_member_of_elsewhere_is_none_here(browser, acme, alice, charlie):
    for path in ("remove", "role"):
        answer = browser(alice).post(f"{PATH}/{charlie.user.pk}/{path}", {"role": "agent"})
        assert answer.status_code == 404
