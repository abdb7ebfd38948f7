"""Nobody is a relay for mail, and no name in a mail reads like the words of its sender."""

from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from chatapi.mail.delivery import deliver, due
from chatapi.mail.names import plain_name
from chatapi.models import OutgoingMail
from companies.actions.companies import create_company
from companies.models import Company


def send_mails():
    django_mail.outbox = []
    for mail_id in due(timezone.now()):
        deliver(mail_id)
    return django_mail.outbox


def invite(person, company, n):
    return person.api.post(f"/api/companies/{company.pk}/users", {"email": f"v{n}@guest.test"})


def test_a_new_account_can_not_mail_everybody(charlie):
    shops = [create_company(charlie.user, name=f"Shop {n}") for n in range(5)]
    statuses = [invite(charlie, shops[n % 5], n).status_code for n in range(40)]
    assert statuses.count(201) == 20
    assert set(statuses) == {201, 429}
    assert OutgoingMail.objects.count() == 20


def test_a_company_is_counted_over_its_members(alice, mary, acme):
    statuses = [invite((alice, mary)[n % 2], acme, n).status_code for n in range(30)]
    assert statuses.count(201) == 20


def test_invitations_to_chats_count_too(alice, chat, acme):
    path = f"/api/chats/{chat.pk}/users"
    statuses = [
        alice.api.post(path, {"email": f"v{n}@guest.test"}).status_code for n in range(10)
    ] + [invite(alice, acme, n).status_code for n in range(20)]
    assert statuses.count(201) == 20


def test_the_limit_grows_with_age(alice, acme):
    month = timezone.now() - timedelta(days=40)
    Company.objects.update(created_at=month)
    type(alice.user).objects.update(created_at=month)
    statuses = [invite(alice, acme, n).status_code for n in range(30)]
    assert statuses == [201] * 30


@pytest.mark.parametrize(
    "name",
    [
        "Visit evil.example now",
        "https://evil.example",
        "evil。example",
        "a@evil.example",
        "Call 0800 555 123",
        "Your account is locked, confirm it at once by the link",
        "a\u202eb",
        "www.evil.example",
        "evil\u2024example",
        "[click](x)",
        "tel:12345",
    ],
)
def test_a_name_that_is_a_message_is_left_out(name, alice, anonymous):
    company = create_company(alice.user, name=name)
    assert plain_name(name) == ""
    anonymous.post(
        f"/api/companies/{company.slug}/start-chat",
        {"first_name": name[:100], "last_name": "X", "email": "vic@guest.test"},
    )
    invite(alice, company, 1)
    letters = send_mails()
    assert len(letters) == 2
    for letter in letters:
        html = letter.alternatives[0][0]
        assert name not in letter.subject + letter.body + html
        assert "evil" not in letter.subject + letter.body + html


@pytest.mark.parametrize("name", ["Flower Shop", "Müller & Söhne", "Café 1920", "株式会社花"])
def test_an_ordinary_name_is_in_quotation_marks_and_in_no_subject(name, alice, anonymous):
    company = create_company(alice.user, name=name)
    anonymous.post(
        f"/api/companies/{company.slug}/start-chat",
        {"first_name": "Claim your prize", "last_name": "X", "email": "vic@guest.test"},
    )
    (letter,) = send_mails()
    assert f"“{name}”" in letter.body
    assert name not in letter.subject
    assert "prize" not in letter.body
