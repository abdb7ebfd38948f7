"""Rate limits, on the store that the suite runs on, and always in memory."""

import threading
import time

import pytest
import redis
from django.conf import settings as django_settings

from chatapi.limits.address import network_address, network_of
from chatapi.limits.limiter import GUESSES, Charge, Limiter
from chatapi.limits.limiter import limiter as shared_limiter
from chatapi.limits.memory_store import MemoryStore
from chatapi.limits.rate import Rate
from conftest import Client


@pytest.fixture(autouse=True)
def rates(settings):
    settings.LIMITS = settings.LIMITS | {"READ": Rate.parse("5/h"), "WRITE": Rate.parse("2/h")}


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/s", Rate(20, 1, 40)),
        ("120/m", Rate(120, 60, 120)),
        (" 5 / h ", Rate(5, 3600, 5)),
    ],
)
def test_a_rate_as_it_is_written(text, rate):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "5", "0/s", "-1/s", "5/d", "x/s", "5/s/s", "1.5/s", "100001/s"]
)
def test_what_is_no_rate(text):
    with pytest.raises(ValueError):
        Rate.parse(text)


def take(limiter, name="READ", who="a"):
    return limiter.take([Charge(name, who)])


@pytest.fixture(params=["as configured", "in memory"])
def limiter(request):
    return Limiter(None, MemoryStore()) if request.param == "in memory" else shared_limiter()


def test_so_many_and_no_more(limiter):
    verdicts = [take(limiter) for _ in range(7)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]
    assert verdicts[0].limit == 5
    assert 0 < verdicts[-1].retry_after <= 720
    assert take(limiter, who="b").allowed


def test_it_flows_back(limiter, settings):
    settings.LIMITS = settings.LIMITS | {"READ": Rate.parse("10/s")}
    began = time.monotonic()
    spent = 0
    while take(limiter).allowed:
        spent += 1
    assert 20 <= spent <= 21 + 10 * (time.monotonic() - began)
    paused = time.monotonic()
    time.sleep(0.35)
    again = 0
    while take(limiter).allowed:
        again += 1
    assert 3 <= again <= 2 + 10 * (time.monotonic() - paused)


def test_several_at_once_take_all_or_none(limiter):
    both = [Charge("READ", "a"), Charge("WRITE", "a")]
    assert [limiter.take(both).allowed for _ in range(3)] == [True, True, False]
    # The third took nothing of READ either.
    assert [take(limiter).allowed for _ in range(4)] == [True] * 3 + [False]


def test_what_is_given_back_can_be_taken_again(limiter):
    for _ in range(20):
        assert take(limiter).allowed
        limiter.give_back(Charge("READ", "a"))


def test_a_charge_can_be_several_calls(limiter):
    three = Charge("READ", "a", calls=3)
    assert [limiter.take([three]).remaining for _ in range(2)] == [2, 0]
    refused = limiter.take([three])
    assert not refused.allowed
    assert [take(limiter).allowed for _ in range(3)] == [True, True, False]
    limiter.give_back(three)
    assert limiter.take([three]).allowed


def test_threads_that_charge_at_once_get_no_more(limiter):
    barrier, allowed = threading.Barrier(8), []

    def spend():
        barrier.wait()
        allowed.extend(take(limiter).allowed for _ in range(8))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 59 + [True] * 5


class Down:
    """A store whose Redis does not respond."""

    asked = 0

    def take(self, keys, buckets):
        self.asked += 1
        raise redis.ConnectionError("down")

    def give_back(self, key, cost):
        raise redis.ConnectionError("down")


def test_while_redis_is_down_each_process_counts_for_itself():
    down = Down()
    limiter = Limiter(down, MemoryStore())
    assert [take(limiter).allowed for _ in range(7)] == [True] * 5 + [False] * 2
    assert down.asked == 1  # not for each request


@pytest.mark.parametrize("name", sorted(GUESSES))
def test_while_redis_is_down_guesses_are_refused(name):
    limiter = Limiter(Down(), MemoryStore())
    for charges in ([Charge(name, "a")], [Charge("READ", "a"), Charge(name, "a")]):
        verdict = limiter.take(charges)
        assert not verdict.allowed
        assert verdict.remaining == 0
        assert verdict.retry_after_seconds == 1
    limiter.give_back(Charge(name, "a"))
    assert take(limiter).allowed


def test_while_redis_is_down_members_write_and_nobody_guesses(alice, gina, chat, monkeypatch):
    monkeypatch.setattr(shared_limiter(), "remote", Down())
    messages = f"/api/chats/{chat.pk}/messages"
    assert gina.api.post(messages, {"text": "Hello"}).status_code == 201
    assert alice.api.get(messages).status_code == 200
    join = {"password": "open-sesame", "first_name": "H", "last_name": "H", "email": "h@guest.test"}
    code = {"email": "gina@guest.test", "auth-code": 123456}
    for path, body in (
        (f"/api/chats/{chat.pk}/users", join),
        (f"/api/chats/{chat.pk}/users/get-token", code),
    ):
        answer = Client().post(path, body)
        assert answer.status_code == 429
        assert answer["Retry-After"] == "1"


def test_a_limited_answer_says_so(alice, error_of):
    answers = [alice.api.get("/api/user") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert {answer["X-RateLimit-Limit"] for answer in answers} == {"5"}
    assert error_of(answers[-1]) == "rate_limited"
    assert 0 < int(answers[-1]["Retry-After"]) <= 720


def test_errors_are_limited_and_say_so_too(alice):
    assert alice.api.get("/api/chats/1")["X-RateLimit-Remaining"] == "4"
    assert alice.api.get("/api/companies?page=x")["X-RateLimit-Remaining"] == "3"


def test_sends_have_a_limit_of_the_chat_user(gina, chat, settings):
    settings.LIMITS = settings.LIMITS | {
        "SEND": Rate.parse("3/h"),
        "WRITE": Rate.parse("99/h"),
    }
    path = f"/api/chats/{chat.pk}/messages"
    statuses = [gina.api.post(path, {"text": "Hello"}).status_code for _ in range(4)]
    assert statuses == [201] * 3 + [429]
    from chats.actions import tokens

    _, second = tokens.issue(gina.chat_user, 1)
    assert Client(second).post(path, {"text": "Hello"}).status_code == 429


def test_an_address_without_a_token_has_a_limit(settings, db):
    settings.LIMITS = settings.LIMITS | {"ANONYMOUS": Rate.parse("2/h")}
    path = "/api/companies/nowhere/start-chat"
    statuses = [Client().post(path, {}).status_code for _ in range(3)]
    assert statuses == [422, 422, 429]
    other = Client().post(path, {}, REMOTE_ADDR="10.0.0.9")
    assert other.status_code == 422


def test_a_forwarded_address_is_believed_from_ones_own_proxies_alone(settings, db):
    settings.LIMITS = settings.LIMITS | {"ANONYMOUS": Rate.parse("1/h")}
    path = "/api/companies/nowhere/start-chat"

    def post(forwarded):
        return Client().post(path, {}, headers={"X-Forwarded-For": forwarded}).status_code

    assert [post("1.1.1.1"), post("2.2.2.2")] == [422, 429]
    settings.NUM_PROXIES = 1
    assert [post("9.9.9.9, 3.3.3.3"), post("8.8.8.8, 3.3.3.3")] == [422, 429]
    assert post("3.3.3.3, 4.4.4.4") == 422


def test_without_the_header_the_peer_is_the_caller(settings, db):
    settings.LIMITS = settings.LIMITS | {"ANONYMOUS": Rate.parse("1/h")}
    settings.NUM_PROXIES = 1
    path = "/api/companies/nowhere/start-chat"
    statuses = [
        Client().post(path, {}, REMOTE_ADDR=address).status_code
        for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1")
    ]
    assert statuses == [422, 422, 429]


def test_tokens_that_are_none_run_out_too(settings, db):
    settings.LIMITS = settings.LIMITS | {"BAD_TOKEN": Rate.parse("3/h")}
    statuses = [Client("cnp_x").get("/api/user").status_code for _ in range(5)]
    assert statuses == [401] * 3 + [429] * 2


def test_expired_calls_are_deleted_from_memory(monkeypatch):
    store = MemoryStore()
    store.take(["old"], [(1, 1)])
    time.sleep(0.001)
    monkeypatch.setattr(MemoryStore, "SWEEP_EVERY", 1)
    store.take(["new"], [(10**9, 10**9)])
    assert list(store._arrivals) == ["new"]


def test_the_pause_between_code_mails():
    assert Rate.parse("5/h").pause() == Rate(1, 60, 1)
    assert Rate.parse("3600/h").pause() == Rate(1, 1, 1)
    assert django_settings.LIMITS["CODE_MAIL_PAUSE"] == Rate(1, 60, 1)


@pytest.mark.parametrize(
    ("sent", "network"),
    [
        ("203.0.113.8", "203.0.113.8"),
        (" 203.0.113.8:40001 ", "203.0.113.8"),
        ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::1]:443", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.8", "203.0.113.8"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown7", None),
        ("", None),
        ("999.1.1.1", None),
        ("_hidden", None),
        ("1.2.3.4.5", None),
    ],
)
def test_a_network_by_its_address(sent, network, rf, settings):
    assert network_of(sent) == network
    settings.NUM_PROXIES = 1
    request = rf.get("/", headers={"X-Forwarded-For": sent}, REMOTE_ADDR="10.0.0.1")
    assert network_address(request) == (network or "10.0.0.1")


def test_ports_and_neighbours_are_one_network(settings, db):
    settings.LIMITS = settings.LIMITS | {"ANONYMOUS": Rate.parse("1/h")}
    settings.NUM_PROXIES = 1
    path = "/api/companies/nowhere/start-chat"
    for pair in (("203.0.113.8:1", "203.0.113.8:2"), ("2001:db8::1", "2001:db8::2"), ("u1", "u2")):
        sent = [Client().post(path, {}, headers={"X-Forwarded-For": each}) for each in pair]
        assert [answer.status_code for answer in sent] == [422, 429]
