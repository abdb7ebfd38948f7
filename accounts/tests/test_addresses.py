"""One mailbox, one spelling: wherever an address says who somebody is."""

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.exceptions import ValidationError

from accounts.actions.users import account_for
from accounts.addresses import normalize_email, parse_email
from accounts.models import User
from chatapi.models import OutgoingMail
from chats.actions import chat_users
from chats.models import ChatUser
from companies.actions.invitations import invite_member
from companies.models import Membership, Role
from conftest import PASSWORD, Client

SPELLINGS = [
    "evil@example.com",
    " Evil@Example.COM ",
    "evil@e\u00adxample.com",
    "evil@ex\u200bample.com",
    "evil@\uff45xample.com",
    "evil@example\uff0ecom",
    "evil@example\u3002com",
    "evil@e\u2060xample.com",
    "evil@exampl\u212f.com",
]
BUECHER = ["agent@bücher.example", "agent@xn--bcher-kva.example", "Agent@BU\u0308CHER.example"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_spelling(spelling):
    assert parse_email(spelling) == normalize_email(spelling) == "evil@example.com"


@pytest.mark.parametrize("spelling", BUECHER)
def test_one_spelling_of_an_international_domain(spelling):
    assert parse_email(spelling) == "agent@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evil",
        "@example.com",
        "evil@",
        "a@b@",
        "evil@exa_mple.com",
        "evil@-a.example",
        "e\u200bvil@example.com",
        "ev\u0131l@example.com",
        "\uff45vil@example.com",
        "evil@example",
        '"evil"@example.com',
        '"e v"@example.com',
        "evil@[127.0.0.1]",
        "evil@[IPv6:::1]",
        "evil@xn--.com",
        "evil@example.com.",
        "evil@exa mple.com",
        "evi\u017f@example.com",
        "a" * 250 + "@example.com",
        "evil@" + ".".join(["a" * 60] * 5),
        "evil\n@example.com",
    ],
)
def test_what_is_no_address(text):
    with pytest.raises(ValidationError):
        parse_email(text)
    assert isinstance(normalize_email(text), str)


@pytest.mark.parametrize("spelling", SPELLINGS[1:])
def test_a_banned_person_does_not_come_back_by_another_spelling(chat, alice, spelling):
    joined = chat_users.join_as_guest(chat, email=SPELLINGS[0], first_name="E", last_name="Vil")
    path = f"/api/chats/{chat.pk}/users/{joined.chat_user.pk}"
    assert alice.api.patch(path, {"status": "banned"}).status_code == 200
    answer = Client().post(
        f"/api/chats/{chat.pk}/users",
        {"password": PASSWORD, "email": spelling, "first_name": "E", "last_name": "Vil"},
    )
    assert answer.status_code == 403, answer.json()
    assert ChatUser.objects.filter(chat=chat, email__contains="evil").count() == 1


def test_spellings_share_the_limit_of_a_mailbox(acme, alice):
    answers = [
        Client().post(
            f"/api/companies/{acme.pk}/start-chat",
            {"email": spelling, "first_name": "E", "last_name": "Vil", "text": "Hello"},
        )
        for spelling in SPELLINGS[:7]
    ]
    assert len({answer.json().get("email") for answer in answers}) <= 2
    assert ChatUser.objects.exclude(email="evil@example.com").filter(role="guest").count() == 0


@pytest.mark.parametrize("spelling", BUECHER)
def test_an_invited_person_logs_in_by_any_spelling(client, acme, spelling):
    invitation = invite_member(acme, Role.OWNER, BUECHER[0], Role.AGENT)
    assert invitation.email == "agent@xn--bcher-kva.example"
    user = account_for(BUECHER[0])
    user.set_password("correct horse battery")
    user.save()
    EmailAddress.objects.update_or_create(
        user=user, defaults={"email": user.email, "verified": True, "primary": True}
    )
    form = {"login": spelling, "password": "correct horse battery"}
    assert client.post("/accounts/login/", form).status_code == 302
    assert int(client.session["_auth_user_id"]) == user.pk


@pytest.mark.parametrize("spelling", BUECHER)
def test_a_reset_reaches_any_spelling(client, db, spelling):
    account_for(BUECHER[0])
    client.post("/accounts/password/reset/", {"email": spelling})
    (row,) = OutgoingMail.objects.filter(kind="password_reset")
    assert row.to == "agent@xn--bcher-kva.example"


@pytest.mark.parametrize("spelling", BUECHER)
def test_a_sign_up_is_stored_in_the_one_spelling(client, db, spelling):
    form = {"email": spelling, "password1": "correct horse battery"}
    assert client.post("/accounts/signup/", form).status_code == 302
    assert User.objects.get().email == "agent@xn--bcher-kva.example"
    assert EmailAddress.objects.get().email == "agent@xn--bcher-kva.example"


def test_an_address_that_is_none_is_422(acme, chat, alice):
    path = f"/api/companies/{acme.pk}/users"
    for text in (
        '"evil"@example.com',
        "evil@[127.0.0.1]",
        "evil@exa_mple.com",
        "e\u200b@a.example",
    ):
        answer = alice.api.post(path, {"email": text, "role": "agent"})
        assert answer.status_code == 422, text
        assert answer.json()["errors"] == {"email": ["Enter a valid email address."]}


def migrate(app, number):
    import_module(f"{app}.migrations.{number}_one_spelling").put_right(apps, None)


def test_the_migration_puts_right_and_names_what_collides(acme, chat, capsys):
    User.objects.bulk_create(
        [
            User(email="a@bücher.example"),
            User(email="b@e\u00adxample.com"),
            User(email="b@example.com"),
        ]
    )
    Membership.objects.create(company=acme, email="c@bücher.example")
    for email in ("d@bücher.example", "e@e\u00adxample.com", "e@example.com"):
        ChatUser.objects.create(chat=chat, email=email)
    migrate("accounts", "0003")
    migrate("companies", "0004")
    migrate("chats", "0009")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith("accounts.User ")
    assert "'b@e\\xadxample.com' is another spelling of b@example.com" in said[0]
    assert said[1].startswith("chats.ChatUser ")
    assert User.objects.filter(email="a@xn--bcher-kva.example").exists()
    assert Membership.objects.filter(email="c@xn--bcher-kva.example").exists()
    assert ChatUser.objects.filter(email="d@xn--bcher-kva.example").exists()
