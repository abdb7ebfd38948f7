"""Reads that can keep the database busy: how many at once, and for how long."""

import threading
from contextlib import ExitStack

import pytest
import redis
from django.conf import settings as configured
from django.db import OperationalError, connection

from accounts.actions.tokens import issue_token
from chatapi.api.errors import ApiError
from chatapi.api.expensive import expensive_read, time_limit
from chatapi.limits import slots as slots_module
from chatapi.limits.slots import MemoryStore, RedisStore, Slots
from chats.actions import messages
from conftest import Client

ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT max(i) FROM n",
}

EXPENSIVE = [
    "/api/chats?q=x",
    "/api/chats?page=100",
    "/api/chats/{chat}/messages?before=2020-01-01",
    "/api/chats/{chat}/messages?after=2020-01-01&around_seq=5",
    "/api/chats/{chat}/messages?page=5&per_page=249",
    "/api/chats/{chat}/users?after=2020-01-01",
    "/api/companies/acme/statistics",
    "/api/companies/acme/replies?page=600",
    "/api/search?q=x",
    "/api/chats/{chat}/transcript",
]
PLAIN = [
    "/api/chats",
    "/api/chats?status=open&per_page=249",
    "/api/chats?external_id=x",
    "/api/chats?page=5",
    "/api/chats/{chat}/messages",
    "/api/chats/{chat}/messages?around_seq=5",
    "/api/chats/{chat}/users",
    "/api/companies",
    "/api/events",
    "/api/companies/acme/replies?q=x",
]


def endless():
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS[connection.vendor])


class TestAtOnce:
    @pytest.fixture(autouse=True)
    def many_threads(self, settings):
        settings.WEB_THREADS = 16

    @pytest.fixture
    def busy(self, alice):
        """Alice has as many expensive reads running as she may."""
        with ExitStack() as stack:
            for _ in range(configured.MAX_EXPENSIVE_READS):
                stack.enter_context(expensive_read(f"user:{alice.user.pk}", 5000))
            yield

    @pytest.mark.parametrize("path", EXPENSIVE)
    def test_one_more_is_refused_for_now(self, alice, chat, busy, path):
        answer = alice.api.get(path.format(chat=chat.pk))
        assert answer.status_code == 429
        assert answer.json()["code"] == "rate_limited"
        assert int(answer["Retry-After"]) >= 1

    @pytest.mark.parametrize("path", PLAIN)
    def test_plain_pages_go_on(self, alice, chat, busy, path):
        assert alice.api.get(path.format(chat=chat.pk)).status_code == 200

    def test_another_token_of_the_same_account_gets_no_more(self, alice, chat, busy):
        second = Client(issue_token(alice.user)[1])
        assert second.get("/api/chats?q=x").status_code == 429

    def test_others_are_served(self, bob, gina, chat, busy):
        assert bob.api.get("/api/chats?q=x").status_code == 200
        path = f"/api/chats/{chat.pk}/messages?before=2020-01-01"
        assert gina.api.get(path).status_code == 200

    def test_the_page_of_statistics_counts_as_well(self, alice, client, acme, busy):
        client.force_login(alice.user)
        page = client.get("/companies/acme/overview")
        assert page.status_code == 429
        assert b'role="alert"' in page.content

    def test_a_slot_is_free_again_after_a_read_and_after_a_failure(self, alice, chat):
        for _ in range(2 * configured.MAX_EXPENSIVE_READS):
            assert alice.api.get("/api/chats?q=x").status_code == 200
            with pytest.raises(ZeroDivisionError), expensive_read(f"user:{alice.user.pk}", 5000):
                raise ZeroDivisionError
        assert alice.api.get("/api/chats?q=x").status_code == 200

    def test_statistics_take_two(self, alice, acme):
        with ExitStack() as stack:
            for _ in range(configured.MAX_EXPENSIVE_READS - 1):
                stack.enter_context(expensive_read(f"user:{alice.user.pk}", 5000))
            assert alice.api.get("/api/companies/acme/statistics").status_code == 429
            assert alice.api.get("/api/chats?q=x").status_code == 200

    def test_one_is_served_whatever_the_setting(self, alice, acme, settings):
        settings.MAX_EXPENSIVE_READS = 1
        assert alice.api.get("/api/companies/acme/statistics").status_code == 200


class TestTogether:
    """Accounts are free: several callers, each with less than they may."""

    @pytest.fixture
    def busy(self, settings):
        """As many reads of others as may run in a process of four threads."""
        settings.WEB_THREADS = 4
        with ExitStack() as stack:
            for number in range(3):
                stack.enter_context(expensive_read(f"user:other-{number}", 5000))
            yield stack

    @pytest.mark.parametrize("path", EXPENSIVE)
    def test_a_thread_is_left_to_others(self, alice, chat, busy, path):
        answer = alice.api.get(path.format(chat=chat.pk))
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) >= 1

    @pytest.mark.parametrize("path", PLAIN)
    def test_plain_pages_go_on(self, alice, chat, busy, path):
        assert alice.api.get(path.format(chat=chat.pk)).status_code == 200

    def test_it_is_free_again(self, alice, busy):
        assert alice.api.get("/api/chats?q=x").status_code == 429
        busy.close()
        assert alice.api.get("/api/chats?q=x").status_code == 200

    def test_a_process_of_one_thread_serves_them_too(self, alice, settings):
        settings.WEB_THREADS = 1
        assert alice.api.get("/api/chats?q=x").status_code == 200


class TestStores:
    @pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.postgres)])
    def store(self, request):
        return MemoryStore() if request.param == "memory" else RedisStore()

    def test_of_many_at_once_as_many_as_fit_are_let_in(self, store):
        got, barrier = [], threading.Barrier(16)

        def ask(lease):
            barrier.wait()
            got.append(store.take(f"{configured.REDIS_PREFIX}k", lease, 1, 4))

        threads = [threading.Thread(target=ask, args=[lease]) for lease in range(1, 17)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False] * 12 + [True] * 4

    def test_what_is_given_back_can_be_taken_again(self, store):
        key = f"{configured.REDIS_PREFIX}k"
        assert store.take(key, 1, 3, 4)
        assert not store.take(key, 3, 2, 4)
        assert store.take(key, 4, 1, 4)
        store.give_back(key, 1, 3)
        assert store.take(key, 5, 3, 4)

    @pytest.mark.postgres
    def test_a_process_that_died_leaves_its_slots_to_others(self, monkeypatch):
        key, store = f"{configured.REDIS_PREFIX}k", RedisStore()
        monkeypatch.setattr(slots_module, "LEASE", 0)
        assert store.take(key, 1, 4, 4)
        assert store.take(key, 2, 4, 4)

    def test_while_redis_is_down_each_process_counts_for_itself(self):
        class Down:
            def take(self, *args):
                raise redis.ConnectionError

        slots, limit = Slots(Down(), MemoryStore()), configured.MAX_EXPENSIVE_READS
        with ExitStack() as stack:
            leased = [stack.enter_context(slots.lease("a", 1)) for _ in range(limit + 1)]
            assert leased == [True] * limit + [False]
        with ExitStack() as stack:  # all of them were given back
            assert all(stack.enter_context(slots.lease("a", 1)) for _ in range(limit))

    def test_a_redis_that_goes_down_during_a_read_does_not_fail_it(self):
        class Store:
            def take(self, *args):
                return True

            def give_back(self, *args):
                raise redis.ConnectionError

        with Slots(Store(), MemoryStore()).lease("a", 1) as leased:
            assert leased


class TestHowLong:
    def test_a_statement_that_takes_longer_is_ended(self, db):
        with pytest.raises(ApiError) as refused, time_limit(50):
            endless()
        assert (refused.value.status_code, refused.value.error_code) == (422, "query_timeout")

    def test_and_the_connection_goes_on(self, db):
        for _ in range(2):
            with pytest.raises(ApiError), time_limit(50):
                endless()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchone() == (1,)

    def test_other_errors_of_the_database_stay_what_they_are(self, db):
        with pytest.raises(OperationalError), time_limit(5000):
            raise OperationalError("the server closed the connection")

    @pytest.mark.parametrize(
        ("path", "limit"),
        [
            ("/api/chats?q=x", "LIST_TIMEOUT"),
            ("/api/companies/acme/statistics", "STATISTICS_TIMEOUT"),
        ],
    )
    def test_a_list_says_how_to_go_on(self, alice, chat, settings, monkeypatch, path, limit):
        setattr(settings, limit, 200)
        monkeypatch.setattr("chats.access.chats.visible_page", lambda *args: endless())
        monkeypatch.setattr("chats.access.statistics.count_by_day", lambda *args: endless())
        answer = alice.api.get(path)
        assert answer.status_code == 422
        assert answer.json()["code"] == "query_timeout"
        assert "Narrow" in answer.json()["message"]
        for _ in range(configured.MAX_EXPENSIVE_READS):  # its slots are free again
            answer = alice.api.get(f"/api/chats/{chat.pk}/messages?before=2020-01-01")
            assert answer.status_code == 200

    @pytest.mark.postgres
    @pytest.mark.django_db(transaction=True)
    def test_the_limit_ends_with_the_read(self):
        def timeout():
            with connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                return cursor.fetchone()[0]

        before = timeout()
        with time_limit(1234):
            assert timeout() == "1234ms"
        assert timeout() == before
        with pytest.raises(ApiError), time_limit(50):
            endless()
        assert timeout() == before


def test_hot_pages_ask_for_no_slot(alice, chat, gina, monkeypatch):
    """They would cost a round trip more."""
    messages.send(gina.chat_user, "Hello")

    def refuse(*args):
        raise AssertionError("a slot was asked for")

    monkeypatch.setattr(Slots, "lease", refuse)
    for path in PLAIN:
        assert alice.api.get(path.format(chat=chat.pk)).status_code == 200
