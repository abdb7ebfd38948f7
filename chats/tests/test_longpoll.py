"""GET /api/chats/{id}/events?wait=…, through the ASGI application as it is served."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapi.intake import Guard, Intake, disconnected
from chatapi.tests.installation import Installation
from chats.stream.longpoll import LongPoll, seconds_to_wait


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    installation = Installation(
        tmp_path_factory.mktemp("longpoll"), WEB_CONCURRENCY="1", STREAMS_PER_TOKEN="20"
    )
    installation.made = installation.demo()
    installation.start("web")
    yield installation
    installation.close()
    assert "Traceback" not in (installation.folder / "web.log").read_text()


@pytest.fixture
def agent(installation):
    """The token of the demonstration's owner, joined as agent."""
    return installation.call(
        "POST", "/api/chats/1/users", {}, token=installation.made["Token"]
    ).body["token"]


def head(installation, token):
    return installation.call("GET", "/api/chats/1/events?limit=1", token=token).body["last_seq"]


def test_it_answers_when_something_happens(installation, agent):
    seq = head(installation, agent)
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(
            installation.call, "GET", f"/api/chats/1/events?after={seq}&wait=20", token=agent
        )
        time.sleep(1)
        assert not waiting.done()
        installation.call("POST", "/api/chats/1/messages", {"text": "Hello"}, token=agent)
        (event,) = waiting.result(10).body["data"]
    assert event["data"]["text"] == "Hello"
    assert time.monotonic() - began < 5


def test_it_answers_empty_when_the_time_is_up(installation, agent):
    seq = head(installation, agent)
    began = time.monotonic()
    answer = installation.call("GET", f"/api/chats/1/events?after={seq}&wait=2", token=agent)
    assert (answer.status, answer.body) == (200, {"data": [], "last_seq": seq})
    assert 1.5 < time.monotonic() - began < 5


def test_what_is_there_is_answered_at_once(installation, agent):
    began = time.monotonic()
    answer = installation.call("GET", "/api/chats/1/events?after=0&wait=20", token=agent)
    assert answer.body["data"]
    assert time.monotonic() - began < 2


def test_an_error_is_answered_at_once(installation):
    for token, status in (("", 401), (installation.made["Token"], 404)):
        answer = installation.call("GET", "/api/chats/99/events?wait=20", token=token)
        assert answer.status == status


def test_more_wait_than_there_are_threads_and_others_are_served(installation, agent):
    """Four threads, twenty who wait: the twenty-first request does not queue behind them."""
    seq = head(installation, agent)
    with ThreadPoolExecutor(20) as pool:
        waiting = [
            pool.submit(
                installation.call, "GET", f"/api/chats/1/events?after={seq}&wait=20", token=agent
            )
            for _ in range(20)
        ]
        time.sleep(1)
        began = time.monotonic()
        assert installation.call("GET", "/api/chat-user", token=agent).status == 200
        assert time.monotonic() - began < 2
        installation.call("POST", "/api/chats/1/messages", {"text": "News"}, token=agent)
        for each in waiting:
            (event,) = each.result(10).body["data"]
            assert event["data"]["text"] == "News"


def test_one_who_knows_more_does_not_keep_others_waiting(installation, agent):
    """The sender polls from its own message on, somebody else from far beyond; the first hears."""
    seq = head(installation, agent)
    get = installation.call
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(get, "GET", f"/api/chats/1/events?after={seq}&wait=20", token=agent)
        pool.submit(get, "GET", "/api/chats/1/events?after=999999999&wait=4", token=agent)
        time.sleep(1)
        sent = get("POST", "/api/chats/1/messages", {"text": "Hello"}, token=agent).body["seq"]
        pool.submit(get, "GET", f"/api/chats/1/events?after={sent}&wait=4", token=agent)
        assert first.result(5).body["data"][0]["seq"] == sent


def test_a_token_that_dies_ends_the_wait_with_401_at_the_next_news(installation, agent):
    me = installation.call("GET", "/api/chat-user", token=agent).body["id"]
    seq = head(installation, agent)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            installation.call, "GET", f"/api/chats/1/events?after={seq}&wait=20", token=agent
        )
        time.sleep(1)
        owner = installation.made["Token"]
        installation.call("DELETE", f"/api/chats/1/users/{me}", token=owner)
        assert waiting.result(10).status == 401


@pytest.mark.parametrize(
    ("path", "query", "seconds"),
    [
        ("/api/chats/1/events", b"wait=5", 5), ("/api/chats/1/events", b"wait=0", 0),
        ("/api/chats/1/events", b"", 0), ("/api/chats/1/events", b"wait=31", 0),
        ("/api/chats/1/events", b"wait=-1", 0), ("/api/chats/1/events", b"wait=x", 0),
        ("/api/chats/1/events", b"wait=5&wait=7", 7), ("/api/chats/x/events", b"wait=5", 0),
        ("/api/chats", b"wait=5", 0), ("/api/chats/01/events", b"wait=5", 0),
        ("/api/chats/1/events", b"wait=" + b"9" * 5000, 0),
        ("/api/chats/1/events", b"after=2.0&wait=5&limit=1", 5),
        ("/api/chats/1/events", b"wait=5&wait=x", 0), ("/api/chats/1/events", b"await=5", 0),
        ("/api/chats/1/events", b"wait=\xff", 0),
    ],
)  # fmt: skip
def test_who_waits(path, query, seconds):
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query}
    assert seconds_to_wait(scope) == seconds


def talk(app, messages, path="/api/user", headers=(), query=b""):
    """What `app` was handed and answered, for a request in these portions."""
    portions, sent = list(messages), []

    async def receive():
        return portions.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": query,
        "headers": list(headers),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent


class Recorder:
    """An application that keeps what it was handed."""

    def __init__(self):
        self.scope = self.body = None

    async def __call__(self, scope, receive, send):
        self.scope, self.body = scope, (await receive())["body"]


class TestIntake:
    def test_portions_come_as_one_body_with_its_length(self):
        inner = Recorder()
        portions = [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "body": b"cd", "more_body": False},
        ]
        talk(Intake(inner, most=10), portions, headers=[(b"transfer-encoding", b"chunked")])
        assert inner.body == b"abcd"
        assert inner.scope["headers"] == [(b"content-length", b"4")]

    def test_too_much_is_cut_one_byte_past_the_limit(self):
        inner = Recorder()
        talk(
            Intake(inner, most=3), [{"type": "http.request", "body": b"abcdef", "more_body": True}]
        )
        assert inner.body == b"abcd"

    def test_a_charset_is_not_passed_on(self):
        """Django would decode the query string by it, or fail to."""
        inner = Recorder()
        talk(
            Intake(inner, most=3),
            [{"type": "http.request", "body": b"", "more_body": False}],
            headers=[(b"content-type", b"multipart/form-data; charset=rot13; boundary=x")],
        )
        assert inner.scope["headers"][0] == (b"content-type", b"multipart/form-data; boundary=x")

    def test_who_goes_away_costs_nothing(self):
        inner = Recorder()
        talk(Intake(inner, most=3), [{"type": "http.disconnect"}])
        assert inner.scope is None

    def test_underscored_headers_and_raw_bytes_do_not_pass(self):
        inner = Recorder()
        talk(
            Intake(inner, most=3),
            [{"type": "http.request", "body": b"", "more_body": False}],
            headers=[(b"x_forwarded_for", b"1.2.3.4"), (b"x-forwarded-for", b"5.6.7.8")],
            query=b"q=\xff&a=%20b",
        )
        assert (b"x_forwarded_for", b"1.2.3.4") not in inner.scope["headers"]
        assert (b"x-forwarded-for", b"5.6.7.8") in inner.scope["headers"]
        assert inner.scope["query_string"] == b"q=%FF&a=%20b"


def test_what_does_not_wait_is_handed_on():
    inner = Recorder()
    talk(LongPoll(inner), [{"type": "http.request", "body": b"x", "more_body": False}])
    assert inner.body == b"x"


def test_a_bug_outside_django_is_answered_in_shape(caplog):
    async def broken(scope, receive, send):
        raise RuntimeError("a secret of the inside")

    start, body = talk(Guard(broken), [], path="/api/x\nforged")
    assert start["status"] == 500
    assert b'"server_error"' in body["body"]
    assert b"inside" not in body["body"]
    assert "\nforged" not in caplog.text


def test_a_body_in_portions_is_no_farewell():
    """A GET whose body comes in two is not one who has gone."""

    async def run():
        portions = [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": False},
            {"type": "http.disconnect"},
        ]

        async def receive():
            return portions.pop(0)

        await disconnected(receive)
        return portions

    assert asyncio.run(run()) == []
