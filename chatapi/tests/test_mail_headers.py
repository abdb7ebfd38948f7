"""The head of a mail, on the wire, as mail programs read it."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest

from chatapi.mail.delivery import build_message
from chatapi.mail.letters import Letter
from chatapi.models import OutgoingMail

SUBJECTS = [
    "123456 is your code",
    "Ihr Code für den Chat",
    "123456 ist Ihr Code für den Chat, den Sie gerade geöffnet haben, und noch länger",
    "ü" * 60,
    "日本語の件名がここにあります" * 4,
    "Ascii that goes on and on, " * 6,
    "x" * 70 + "ü",
    "👩‍👩‍👧 " * 12,
]


def on_the_wire(subject, row=None):
    row = row or OutgoingMail.objects.create(kind="auth_code", about=1, to="ida@guest.test")
    message = build_message(row, Letter(subject, "Hello, grüß dich\n", "<p>Hello</p>"))
    assert message.subject == subject
    return message.message().as_bytes(linesep="\r\n")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_folded_so_that_all_parsers_read_it(db, subject):
    raw = on_the_wire(subject)
    head = raw.partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")
    assert all(len(line) <= 78 for line in lines), lines
    assert not any(re.fullmatch(rb"[\w-]+:\s*", line) for line in lines), lines
    modern = message_from_bytes(raw, policy=policy.default)["Subject"]
    classic = str(make_header(decode_header(message_from_bytes(raw)["Subject"])))
    assert " ".join(modern.split()) == " ".join(classic.split()) == " ".join(subject.split())


def test_it_asks_programs_for_no_answer(db):
    mail = message_from_bytes(on_the_wire("Hello"), policy=policy.default)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert not [name for name in mail if name.startswith("List-") or name == "Precedence"]
    for name in ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version"):
        assert len(mail.get_all(name)) == 1


@pytest.mark.parametrize("domain", ["chat.example.com", "[127.0.0.1]", "[IPv6:2001:db8::1]"])
def test_its_id_is_of_our_domain_and_stays_the_same(db, settings, domain):
    settings.MAIL_DOMAIN = domain
    row = OutgoingMail.objects.create(kind="auth_code", about=1, to="ida@guest.test")
    again = OutgoingMail.objects.get(pk=row.pk)
    ids = [
        message_from_bytes(on_the_wire("Hello", each), policy=policy.default)["Message-ID"]
        for each in (row, again)
    ]
    assert ids[0] == ids[1]
    assert re.fullmatch(rf"<[0-9a-f]{{32}}@{re.escape(domain)}>", ids[0])
    other = OutgoingMail.objects.create(kind="auth_code", about=1, to="ida@guest.test")
    assert message_from_bytes(on_the_wire("Hello", other))["Message-ID"] != ids[0]
