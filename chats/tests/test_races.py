"""Races, with real threads on PostgreSQL."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction

from chatapi.api.errors import ApiError, ErrorCode
from chatapi.tests.races import at_once
from chats.access import events as event_access
from chats.actions import auth_codes, chat_users, chats, messages, notes
from chats.models import AuthCode, ChatUser, ChatUserToken, Event, MemberEvent, Message
from companies.actions.members import add_member
from companies.models import Membership, Role
from conftest import PASSWORD, Client, make_guest, make_person

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_fifty_writers_in_one_chat_leave_no_gap_and_no_double(chat, gina):
    before = Event.objects.filter(chat=chat).count()
    sent = at_once(*[lambda n=n: messages.send(gina.chat_user, f"{n}")[0] for n in range(50)])
    assert sorted(message["seq"] for message in sent) == list(range(before + 1, before + 51))
    seqs = Event.objects.filter(chat=chat).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, before + 51))
    chat.refresh_from_db()
    assert chat.last_seq == chat.last_message_seq == before + 50
    # What has the higher number was also written later.
    times = Event.objects.filter(chat=chat).order_by("seq").values_list("created_at", flat=True)
    assert list(times) == sorted(times)


def test_writers_of_both_logs_agree_on_one_order(chat, gina, bob):
    sends = [lambda n=n: messages.send(gina.chat_user, f"{n}") for n in range(20)]
    writes = [lambda n=n: notes.create(chat.pk, bob.user, f"{n}") for n in range(20)]
    at_once(*sends, *writes)
    head = event_access.heads([chat.pk])[chat.pk]
    entries = event_access.entries_after(chat.pk, 0, 500, head)
    assert [position.total for position, _ in entries] == list(range(1, head.total + 1))
    own = MemberEvent.objects.filter(chat=chat).order_by("member_seq")
    assert [each.member_seq for each in own] == list(range(1, 21))
    assert [each.position for each in own] == [each.seq + each.member_seq for each in own]
    # Times have the order of both together.
    times = [row["created_at"] for _, row in entries]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda chat, author: chat_users.leave(author), ErrorCode.INVALID_TOKEN),
        (lambda chat, author: chats.update(chat.pk, {"status": "closed"}), ErrorCode.CHAT_CLOSED),
        (lambda chat, author: chats.delete(chat), ErrorCode.NOT_FOUND),
    ],
)
def test_a_send_that_waits_for_a_change_sees_it(chat, gina, change, code):
    """The message waits for the chat's row, and is judged by what it finds then."""
    changed, gate = threading.Event(), threading.Event()

    def change_slowly():
        with transaction.atomic():
            change(chat, gina.chat_user)
            changed.set()
            gate.wait(10)

    def send():
        changed.wait(10)
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(closing(lambda: messages.send(gina.chat_user, "Hello")))
            time.sleep(0.5)
            assert not sending.done()
            gate.set()
            with pytest.raises(ApiError) as refused:
                sending.result(10)
        return refused.value.error_code

    _, refused = at_once(change_slowly, send)
    assert refused == code
    chat.refresh_from_db()
    assert chat.last_seq == Event.objects.filter(chat=chat).count()
    assert not Message.objects.exists()


def closing(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    return run


def test_at_most_five_of_sixty_four_guesses_are_checked(chat, gina, settings, monkeypatch):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {
        "CODE_TRY": Rate.parse("999/s"),
        "ANONYMOUS": Rate.parse("999/s"),
    }
    code = auth_codes.mail_code(gina.chat_user, "127.0.0.1")
    right = auth_codes.digits(code)
    compared = []
    monkeypatch.setattr(auth_codes, "digits", lambda code: compared.append(code) or right)
    path = f"/api/chats/{chat.pk}/users/get-token"
    guesses = [str(100_000 + n) for n in range(64)]
    guesses = [guess if guess != right else "999999" for guess in guesses]
    answers = at_once(
        *[
            lambda g=g: Client().post(path, {"email": "gina@guest.test", "auth-code": g})
            for g in guesses
        ]
    )
    assert Counter(answer.status_code for answer in answers) == {422: 64}
    assert len(compared) == 5
    code.refresh_from_db()
    assert code.network_attempts == 5


def test_the_right_code_sixteen_times_at_once_is_one_token(chat, gina, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"CODE_TRY": Rate.parse("999/s")}
    digits = auth_codes.digits(auth_codes.mail_code(gina.chat_user))
    tokens = ChatUserToken.objects.count()
    body = {"email": "gina@guest.test", "auth-code": digits}
    path = f"/api/chats/{chat.pk}/users/get-token"
    answers = at_once(*[lambda: Client().post(path, body) for _ in range(16)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 15}
    assert ChatUserToken.objects.count() == tokens + 1


def test_joins_with_the_same_address_are_one_chat_user(chat, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {
        "CODE_MAIL": Rate.parse("999/s"),
        "CODE_MAIL_PAUSE": Rate.parse("999/s"),
        "JOIN": Rate.parse("999/s"),
    }
    body = {
        "first_name": "Ida",
        "last_name": "New",
        "email": "ida@guest.test",
        "password": PASSWORD,
    }
    answers = at_once(
        *[lambda: Client().post(f"/api/chats/{chat.pk}/users", body) for _ in range(8)]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 202: 7}
    assert ChatUser.objects.filter(chat=chat).count() == 1
    assert Event.objects.filter(chat=chat, type="user.joined").count() == 1
    assert AuthCode.objects.filter(chat=chat, used_at=None).count() == 1


def test_two_joins_within_a_minute_are_one_chat_user_and_one_mail(chat):
    body = {
        "first_name": "Ida",
        "last_name": "New",
        "email": "ida@guest.test",
        "password": PASSWORD,
    }
    answers = at_once(
        *[lambda: Client().post(f"/api/chats/{chat.pk}/users", body) for _ in range(2)]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 429: 1}
    assert ChatUser.objects.filter(chat=chat).count() == 1


def test_the_same_key_twenty_times_at_once_is_one_message(chat, gina):
    path, key = f"/api/chats/{chat.pk}/messages", {"Idempotency-Key": "once"}
    answers = at_once(
        *[lambda: gina.api.post(path, {"text": "Hello"}, headers=key) for _ in range(20)]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert Message.objects.filter(chat=chat).count() == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 19
    chat.refresh_from_db()
    assert chat.last_seq == Event.objects.filter(chat=chat).count()


def test_the_same_key_twenty_times_at_once_is_one_chat(acme, bob):
    body, key = {"company_id": acme.pk}, {"Idempotency-Key": "once"}
    answers = at_once(*[lambda: bob.api.post("/api/chats", body, headers=key) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


def test_of_the_last_two_owners_leaving_at_once_one_stays(acme, alice):
    add_member(acme, "olga@acme.test", Role.OWNER)
    olga = make_person("olga@acme.test", "Olga")
    answers = at_once(
        *[
            lambda p=p: p.api.delete(f"/api/companies/{acme.pk}/users/{p.user.pk}")
            for p in (alice, olga)
        ]
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 1}
    assert Membership.objects.live().filter(company=acme, role=Role.OWNER).count() == 1


def test_sixty_four_calls_at_a_limit_of_ten_let_ten_through(chat, settings):
    path = f"/api/chats/{chat.pk}/users/get-token"
    body = {"email": "ida@guest.test", "auth-code": 123456}
    answers = at_once(*[lambda: Client().post(path, body) for _ in range(64)])
    assert Counter(answer.status_code for answer in answers) == {422: 10, 429: 54}


def test_edits_and_deletes_at_once_end_in_one_state(chat, gina):
    message, _ = messages.send(gina.chat_user, "Hello")
    path = f"/api/chats/{chat.pk}/messages/{message['id']}"
    answers = at_once(
        *[lambda n=n: gina.api.put(path, {"text": f"{n}"}) for n in range(8)],
        *[lambda: gina.api.delete(path) for _ in range(8)],
    )
    assert {answer.status_code for answer in answers} <= {200, 403}
    row = Message.objects.get(pk=message["id"])
    assert (row.text, row.deleted_at is None) == ("", False)
    assert Event.objects.filter(chat=chat, type="message.deleted").count() == 1
    chat.refresh_from_db()
    assert chat.last_seq == Event.objects.filter(chat=chat).count()


def test_leaving_while_sending_lets_nothing_in_after_the_farewell(chat, gina):
    other = make_guest(chat, "Ida")
    assert other.token
    path = f"/api/chats/{chat.pk}"
    calls = [partial(gina.api.post, f"{path}/messages", {"text": f"{n}"}) for n in range(12)]
    leave = partial(gina.api.delete, f"{path}/users/{gina.chat_user.pk}")
    answers = at_once(*calls, leave)
    assert {answer.status_code for answer in answers} <= {200, 201, 401}
    left = Event.objects.get(chat=chat, type="user.left").seq
    assert not Message.objects.filter(chat=chat, author=gina.chat_user, seq__gt=left).exists()
