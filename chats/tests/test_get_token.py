"""POST /api/chats/{id}/users/get-token"""

from datetime import timedelta

import pytest
from django.utils import timezone

from chats.actions import auth_codes, chat_users
from chats.models import AuthCode, ChatUserToken, Event
from conftest import Client


@pytest.fixture
def ida(chat):
    joined = chat_users.join_as_guest(
        chat, email="ida@guest.test", first_name="Ida", last_name="New", network="127.0.0.1"
    )
    return joined.chat_user


def exchange(chat_id, code, email="ida@guest.test", field="auth-code", prefix="/api"):
    path = f"{prefix}/chats/{chat_id}/users/get-token"
    return Client().post(path, {"email": email, field: code})


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("field", ["auth-code", "auth_code"])
@pytest.mark.parametrize("kind", [int, str])
def test_a_code_is_taken_as_number_and_as_text_on_both_paths(
    chat, ida, newest_code, prefix, field, kind
):
    code = kind(newest_code("ida@guest.test"))
    answer = exchange(chat.pk, code, "IDA@guest.test ", field, prefix)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"token", "expires_at", "chat_user"}
    assert body["token"].startswith(f"cnc_{chat.pk}_")
    assert body["chat_user"]["assurance"] == "email_verified"
    assert Client(body["token"]).get("/api/chat-user").status_code == 200


def test_all_that_is_wrong_looks_the_same(chat, other_chat, ida, newest_code, error_of):
    right = newest_code("ida@guest.test")
    wrong = "100000" if right != "100000" else "100001"
    answers = [
        exchange(chat.pk, wrong),
        exchange(chat.pk, right, "nobody@guest.test"),
        exchange(other_chat.pk, right),
        exchange(999_999, right),
        exchange("none", right),
    ]
    assert exchange(chat.pk, right).status_code == 200
    answers.append(exchange(chat.pk, right))  # used
    for answer in answers:
        assert answer.status_code == 422
        assert error_of(answer) == "invalid_auth_code"
        assert answer.json()["errors"] == {
            "auth-code": ["This code is not valid. Request a new one."]
        }


def test_a_stale_code_is_not_taken(chat, ida, newest_code):
    AuthCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert exchange(chat.pk, newest_code("ida@guest.test")).status_code == 422


def test_only_the_newest_code_counts(chat, ida, newest_code):
    older = newest_code("ida@guest.test")
    auth_codes.mail_code(ida)
    assert newest_code("ida@guest.test") != older
    assert exchange(chat.pk, older).status_code == 422
    assert exchange(chat.pk, newest_code("ida@guest.test")).status_code == 200


def test_five_attempts_and_the_right_code_comes_too_late(chat, ida, newest_code):
    right = newest_code("ida@guest.test")
    wrong = "100000" if right != "100000" else "100001"
    for _ in range(5):
        assert exchange(chat.pk, wrong).status_code == 422
    assert exchange(chat.pk, right).status_code == 422
    assert AuthCode.objects.get().network_attempts == 5


def test_the_right_code_of_a_deleted_chat_is_a_wrong_one(chat, ida, alice, newest_code):
    alice.api.delete(f"/api/chats/{chat.pk}")
    assert exchange(chat.pk, newest_code("ida@guest.test")).status_code == 422


def test_tries_are_limited_for_an_address(chat, ida):
    statuses = [exchange(chat.pk, 100_000).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


@pytest.mark.parametrize("code", ["", "12345", "abcdef", 1, 1234567, True, None, 123456.5, [], {}])
def test_what_is_no_code_is_said(chat, ida, code):
    answer = exchange(chat.pk, code)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["auth-code"]


def test_codes_are_six_digits_and_spread(chat, ida):
    seen = {auth_codes.digits(auth_codes.mail_code(ida)) for _ in range(50)}
    assert len(seen) > 45
    assert all(100_000 <= int(code) <= 999_999 for code in seen)
    assert not {bytes(code.nonce) for code in AuthCode.objects.all()} & {
        code.encode() for code in seen
    }


def test_verifying_is_told_in_the_log_once(chat, ida, newest_code):
    exchange(chat.pk, newest_code("ida@guest.test"))
    kinds = list(Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True))
    assert kinds == ["chat.created", "user.joined", "user.updated"]


def test_who_left_comes_back_by_a_code(chat, gina, newest_code):
    chat_users.leave(gina.chat_user)
    chat_users.join_as_guest(chat, email="gina@guest.test", first_name="G", last_name="G")
    assert exchange(chat.pk, newest_code("gina@guest.test"), "gina@guest.test").status_code == 200
    assert gina.api.get("/api/chat-user").status_code == 401  # the token of then stays dead
    kinds = list(Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True))
    assert kinds[-2:] == ["user.left", "user.joined"]


def test_a_ban_ends_the_code_that_is_on_its_way(chat, ida, newest_code):
    code = newest_code("ida@guest.test")
    chat_users.ban(ida)
    assert exchange(chat.pk, code).status_code == 422


def test_the_last_use_of_a_token_is_recorded_once_a_minute(gina):
    for ago, is_recorded in ((timedelta(seconds=30), False), (timedelta(minutes=2), True)):
        before = timezone.now() - ago
        ChatUserToken.objects.update(last_used_at=before)
        assert gina.api.get("/api/chat-user").status_code == 200
        assert (ChatUserToken.objects.get().last_used_at != before) is is_recorded
