"""Strangers who guess, or have mails sent, keep nobody out of a chat."""

import pytest

from chatapi.models import OutgoingMail
from chats.actions import auth_codes
from chats.actions import chats as chat_actions
from chats.models import AuthCode, Chat, ChatUser
from companies.actions.companies import create_company
from conftest import PASSWORD, Client

VICTIM = {"first_name": "Vic", "last_name": "Tim", "email": "vic@guest.test"}


def start(slug, n=1, **changes):
    path = f"/api/companies/{slug}/start-chat"
    return Client().post(path, VICTIM | changes, REMOTE_ADDR=f"10.0.0.{n}")


def join(chat, n=200, password=PASSWORD, **changes):
    body = VICTIM | {"password": password} | changes
    return Client().post(f"/api/chats/{chat.pk}/users", body, REMOTE_ADDR=f"10.0.0.{n}")


def get_token(chat, code, n=200, **extra):
    body = {"email": VICTIM["email"], "auth-code": code} | extra
    return Client().post(f"/api/chats/{chat.pk}/users/get-token", body, REMOTE_ADDR=f"10.0.0.{n}")


def right_and_wrong(chat):
    right = auth_codes.digits(AuthCode.objects.filter(chat=chat).latest("pk"))
    return right, "100000" if right != "100000" else "100001"


# --- Mails -----------------------------------------------------------------------------------


def test_starts_with_somebodys_address_use_up_nothing_of_theirs(alice, acme, chat):
    companies = [create_company(alice.user, name=f"Shop {n}") for n in range(6)]
    statuses = [start(company.slug, n).status_code for company in companies for n in range(1, 6)]
    assert set(statuses) <= {201, 429}
    mails = OutgoingMail.objects.filter(to=VICTIM["email"])
    assert mails.count() <= 20
    before = mails.count()
    # By the chat's password, by an invitation, and to a chat of another network.
    assert join(chat).status_code == 201
    assert mails.count() == before + 1
    path = f"/api/chats/{chat.pk}/users"
    assert alice.api.post(path, {"email": VICTIM["email"]}).status_code == 202
    assert mails.count() == before + 2
    path = f"/api/companies/{acme.pk}/users"
    assert alice.api.post(path, {"email": VICTIM["email"]}).status_code == 201
    assert mails.count() == before + 3
    assert start("acme", 99).status_code == 201


def test_five_starts_of_a_stranger_leave_the_person_theirs(acme):
    assert [start("acme", 1).status_code for _ in range(6)] == [201] * 5 + [429]
    before = OutgoingMail.objects.count()
    assert start("acme", 2).status_code == 201
    assert OutgoingMail.objects.count() == before + 1


@pytest.mark.parametrize(("chat_id", "code_id"), [(1, 1), (7, 10**6), (10**9, 10**12), (10**18, 0)])
def test_all_attempt_keys_are_equally_long(chat_id, code_id):
    key = auth_codes.attempt_key(chat_id, code_id)
    assert len(key) == len(auth_codes.attempt_key(1, 0))
    assert auth_codes.read_attempt_key(chat_id, key) == code_id
    assert auth_codes.read_attempt_key(chat_id + 1, key) is None


def test_an_empty_pool_answers_alike(acme, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"MAIL": Rate.parse("2/h")}
    answers = [start("acme", n) for n in range(1, 6)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({frozenset(answer.json()) for answer in answers}) == 1
    assert {answer.json()["code_mailed"] for answer in answers} == {True}
    assert len({len(answer.json()["attempt_key"]) for answer in answers}) == 1
    assert OutgoingMail.objects.count() == 2
    assert Chat.objects.count() == 5


def test_the_password_of_a_chat_that_a_stranger_started_proves_nothing(acme, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {
        "MAIL": Rate.parse("2/h"),
        "CODE_MAIL_PAUSE": Rate.parse("99/s"),
    }
    started = start("acme", 1).json()
    chat = Chat.objects.get(pk=started["chat"]["id"])
    assert [join(chat, 2, started["password"]).status_code for _ in range(3)] == [202] * 3
    assert OutgoingMail.objects.count() == 2
    # The newest code that was mailed is still valid.
    right, _ = right_and_wrong(chat)
    assert get_token(chat, right).status_code == 200
    # The address is proven now, so that its owner is mailed whatever strangers do.
    assert join(chat, 3, started["password"]).status_code == 202
    assert OutgoingMail.objects.count() == 3


def test_one_network_causes_so_many_mails_over_all_companies(alice, acme, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"MAIL_NETWORK": Rate.parse("4/h")}
    create_company(alice.user, name="Other")
    statuses = [
        start(slug, email=f"v{n}@guest.test").status_code
        for n in range(3)
        for slug in ("acme", "other")
    ]
    assert statuses == [201] * 4 + [429] * 2


def test_headers_tell_nothing_of_what_others_did(acme):
    first = start("acme", 1)
    for _ in range(3):
        start("acme", 1)
    other = start("acme", 1, email="unheard-of@guest.test")
    again = start("acme", 1)
    assert first["X-RateLimit-Limit"] == other["X-RateLimit-Limit"] == "10"  # LIMIT_JOIN
    assert int(other["X-RateLimit-Remaining"]) == int(again["X-RateLimit-Remaining"]) + 1


# --- Passwords -------------------------------------------------------------------------------


@pytest.mark.slow
def test_wrong_passwords_from_many_networks_keep_nobody_out(chat, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"JOIN": Rate.parse("99/s")}
    for n in range(1, 4):
        statuses = [join(chat, n, "wrong-password").status_code for _ in range(61)]
        assert statuses == [422] * 60 + [429]
    assert join(chat).status_code == 201


def test_a_network_is_limited_over_all_chats(chat, other_chat, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"PASSWORD": Rate.parse("2/h")}
    assert [join(each, 1, "wrong").status_code for each in (chat, other_chat, chat)] == [
        422,
        422,
        429,
    ]


def test_a_chosen_password_has_ten_characters(alice, acme):
    for password, status in (("short-one", 422), ("long-enough", 201)):
        body = {"company_id": acme.pk, "password": password}
        assert alice.api.post("/api/chats", body).status_code == status


# --- Codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sends_key", [True, False])
def test_wrong_codes_of_strangers_use_up_no_attempt_of_the_guest(chat, sends_key):
    key = join(chat).json()["attempt_key"]
    right, wrong = right_and_wrong(chat)
    for n in range(1, 30):
        assert get_token(chat, wrong, n).status_code == 422
    assert get_token(chat, right, 30).status_code == 422  # the strangers' pool is empty
    extra = {"attempt_key": key} if sends_key else {}
    assert get_token(chat, right, **extra).status_code == 200


def test_a_guest_with_the_key_is_apart_from_the_network_too(chat):
    key = join(chat).json()["attempt_key"]
    right, wrong = right_and_wrong(chat)
    statuses = [get_token(chat, wrong).status_code for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert get_token(chat, right, attempt_key=key).status_code == 200


def test_everybody_has_a_bounded_number_of_attempts(chat):
    key = join(chat).json()["attempt_key"]
    right, wrong = right_and_wrong(chat)
    for _ in range(5):
        get_token(chat, wrong, attempt_key=key)
        get_token(chat, wrong)
    for n in range(1, 11):
        get_token(chat, wrong, n)
    assert get_token(chat, right, attempt_key=key).status_code == 422
    assert get_token(chat, right).status_code == 422
    assert get_token(chat, right, 50).status_code == 422


@pytest.mark.parametrize("key", ["", "made-up", "gAAAAA", "é", 5, "x" * 400])
def test_a_key_that_is_none_counts_as_everybodys(chat, key):
    join(chat)
    right, _ = right_and_wrong(chat)
    assert get_token(chat, right, 9, attempt_key=key).status_code == 200


def test_the_key_of_another_chat_is_none(chat, other_chat):
    join(chat)
    key = join(other_chat).json()["attempt_key"]
    right, wrong = right_and_wrong(chat)
    for n in range(1, 11):
        get_token(chat, wrong, n, attempt_key=key)
    assert get_token(chat, right, 12, attempt_key=key).status_code == 422


def test_a_start_answers_a_key_as_well(acme):
    started = start("acme", 1).json()
    chat = Chat.objects.get(pk=started["chat"]["id"])
    right, wrong = right_and_wrong(chat)
    for n in range(20, 40):
        get_token(chat, wrong, n)
    assert get_token(chat, right, 9, attempt_key=started["attempt_key"]).status_code == 200
    assert ChatUser.objects.get(chat=chat).assurance == "email_verified"
    assert not chat_actions.create(chat.company).started_by_guest
