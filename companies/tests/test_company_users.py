"""/api/companies/{id}/users"""

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from accounts.actions.addresses import verify_address
from accounts.models import User
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.mail.delivery import deliver, due
from companies.actions.members import change_role, end_membership
from companies.models import Membership, Role

PATH = "/api/companies/acme/users"


def test_members_with_their_roles(alice, mary, bob):
    shown = {user["email"]: user["role"] for user in bob.api.get(PATH).json()["data"]}
    assert shown == {
        "alice@acme.test": "owner",
        "mary@acme.test": "manager",
        "bob@acme.test": "agent",
    }
    assert bob.api.get(f"{PATH}/{mary.user.pk}").json()["name"] == "Mary Test"


def test_an_invitation_is_mailed(acme, mary):
    answer = mary.api.post(PATH, {"email": "Dora@Acme.test"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["email"], body["role"]) == ("dora@acme.test", "agent")
    assert not User.objects.filter(email="dora@acme.test").exists()
    django_mail.outbox = []
    for mail_id in due(timezone.now()):
        deliver(mail_id)
    letter = next(mail for mail in django_mail.outbox if mail.to == ["dora@acme.test"])
    assert "“Acme”" in letter.body


def test_who_is_there_already(mary, bob):
    answer = mary.api.post(PATH, {"email": "bob@acme.test"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "already_member"


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": "d@a.test", "role": "boss"}])
def test_what_is_wrong_is_said(mary, body):
    assert mary.api.post(PATH, body).status_code == 422


def test_only_owners_make_and_unmake_owners(alice, mary, bob):
    assert mary.api.post(PATH, {"email": "d@acme.test", "role": "owner"}).status_code == 403
    assert mary.api.put(f"{PATH}/{bob.user.pk}", {"role": "owner"}).status_code == 403
    assert mary.api.put(f"{PATH}/{alice.user.pk}", {"role": "agent"}).status_code == 403
    assert mary.api.delete(f"{PATH}/{alice.user.pk}").status_code == 403
    assert alice.api.put(f"{PATH}/{bob.user.pk}", {"role": "owner"}).json()["role"] == "owner"


def test_the_last_owner_stays(alice, bob, error_of):
    for answer in (
        alice.api.delete(f"{PATH}/{alice.user.pk}"),
        alice.api.put(f"{PATH}/{alice.user.pk}", {"role": "agent"}),
    ):
        assert answer.status_code == 422
        assert error_of(answer) == "last_owner"
    alice.api.put(f"{PATH}/{bob.user.pk}", {"role": "owner"})
    assert alice.api.delete(f"{PATH}/{alice.user.pk}").status_code == 200
    assert alice.api.get(PATH).status_code == 404


def test_an_agent_may_leave_and_take_nobody_along(mary, bob):
    assert bob.api.delete(f"{PATH}/{mary.user.pk}").status_code == 403
    answer = bob.api.delete(f"{PATH}/{bob.user.pk}")
    assert answer.status_code == 200
    assert answer.json()["ended_at"] is not None
    assert bob.api.get(PATH).status_code == 404


def test_who_went_may_come_back(mary, bob):
    mary.api.delete(f"{PATH}/{bob.user.pk}")
    assert mary.api.post(PATH, {"email": "bob@acme.test"}).status_code == 201
    assert bob.api.get(PATH).status_code == 404
    verify_address(bob.user)
    assert bob.api.post(f"{PATH}/accept").status_code == 200
    assert bob.api.get(PATH).status_code == 200


@pytest.mark.parametrize("name", ["none", "0", "-1", "99999999999999999999"])
def test_what_is_no_id(mary, name):
    assert mary.api.get(f"{PATH}/{name}").status_code == 404


def test_an_outsider_is_not_a_user_here(mary, charlie):
    assert mary.api.get(f"{PATH}/{charlie.user.pk}").status_code == 404


def test_a_change_of_nothing_changes_nothing(mary, bob):
    answer = mary.api.patch(f"{PATH}/{bob.user.pk}", {})
    assert answer.status_code == 200
    assert answer.json()["role"] == "agent"


def test_a_membership_that_has_just_ended(acme, bob):
    membership = Membership.objects.get(company=acme, user=bob.user)
    ended = end_membership(membership, Role.OWNER, leaves=False)
    assert ended.ended_at is not None
    again = end_membership(membership, Role.OWNER, leaves=False)
    assert again.ended_at == ended.ended_at
    with pytest.raises(ApiError) as refused:
        change_role(membership, Role.OWNER, Role.MANAGER)
    assert refused.value.error_code == ErrorCode.NOT_FOUND
