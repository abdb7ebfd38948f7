"""GET /api/chats/{id}/events?wait=…, through the ASGI application as it is served."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapi.server.errors import ErrorBoundary
from chatapi.server.hooks import disconnected
from chatapi.tests.installation import Installation, wait_for
from chatapi.tests.test_body import Recorder, talk
from chats.access.grants import Grant
from chats.hints import Hint, LogPosition
from chats.models.events import Audience
from chats.stream import admission, log_reader, longpoll
from chats.stream.caps import Caps
from chats.stream.hub import Hub
from chats.stream.longpoll import LongPoll, seconds_to_wait
from chats.stream.request import parse_request
from chats.tests.live import logged


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
        ("/api/chats/1/events", b"wait=5", 5),
        ("/api/chats/1/events", b"wait=0", 0),
        ("/api/chats/1/events", b"", 0),
        ("/api/chats/1/events", b"wait=31", 0),
        ("/api/chats/1/events", b"wait=-1", 0),
        ("/api/chats/1/events", b"wait=x", 0),
        ("/api/chats/1/events", b"wait=5&wait=7", 7),
        ("/api/chats/x/events", b"wait=5", 0),
        ("/api/chats", b"wait=5", 0),
        ("/api/chats/01/events", b"wait=5", 0),
        ("/api/chats/1/events", b"wait=" + b"9" * 5000, 0),
        ("/api/chats/1/events", b"after=2.0&wait=5&limit=1", 5),
        ("/api/chats/1/events", b"wait=5&wait=x", 0),
        ("/api/chats/1/events", b"await=5", 0),
        ("/api/chats/1/events", b"wait=\xff", 0),
    ],
)
def test_who_waits(path, query, seconds):
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query}
    assert seconds_to_wait(scope) == seconds


FLOODS = [
    b"wait=&" * 10_900,
    b"wait=1&" * 9_300,
    b"&" * 65_000,
    b"wait=" * 13_000,
    b"=" * 65_000,
    b"%41=%42&" * 8_000,
    b"a&" * 32_000,
    b"wait=1&" + b"x" * 65_000,
    b"&wait" * 13_000,
]


@pytest.mark.parametrize("query", FLOODS, ids=lambda query: query[:8].decode())
@pytest.mark.parametrize("accept", [b"text/event-stream", b"application/json"])
def test_a_long_query_does_not_hold_up_the_event_loop(query, accept):
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/chats/1/events",
        "query_string": query,
        "headers": [(b"accept", accept), (b"authorization", b"Bearer cnc_1_x")],
    }
    took = []
    for _ in range(5):
        began = time.process_time()
        seconds_to_wait(scope)
        parse_request(scope)
        took.append(time.process_time() - began)
    assert min(took) < 0.02


def test_a_stream_with_too_many_fields_is_for_the_view_to_refuse():
    query = b"chat_user_token=cnc_secret&" + b"a=1&" * 2_000
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/chats/1/events",
        "query_string": query,
        "headers": [(b"accept", b"text/event-stream")],
    }
    asked = parse_request(scope)
    assert (asked.token, asked.after) == ("", "")
    assert len(asked.rest) > 1_000


# --- Held, woken and counted ---


class AtOnce:
    """Threads that answer in the event loop itself, a moment later."""

    async def call(self, function, *args):
        await asyncio.sleep(0.001)
        return function(*args)


class Quiet:
    async def subscribe(self, names):
        pass

    def unsubscribe(self, name):
        pass


class View:
    """The view of events: chat 42 is at its 5th event. It counts how often it is asked."""

    def __init__(self):
        self.asked, self.status, self.events = 0, 200, []

    async def __call__(self, scope, receive, send):
        self.asked += 1
        body = b'{"data":[%b],"last_seq":%d}' % (b",".join(self.events), 5 + len(self.events))
        headers = [(b"content-length", b"%d" % len(body)), (b"X-RateLimit-Limit", b"100")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def view():
    return View()


@pytest.fixture
def asked(monkeypatch):
    """How many tokens each look-up was for: when they came, and when they were woken."""
    found = {"came": [], "woken": [], "valid": True}

    def admit(knocks):
        found["came"].append(len(knocks))
        return {
            knock: admission.Admission(
                Grant("chat", len(knock.token), None, 1, 42, (3,), 1e12),
                5,
                admission.UNCHARGED,
                False,
            )
            for knock in knocks
        }

    def renew(grants):
        found["woken"].append(len(grants))
        return {each: each for each in grants} if found["valid"] else {}

    for threads in ("LOG_POOL", "ADMISSION_POOL", "BACKGROUND_POOL"):
        monkeypatch.setattr(log_reader, threads, AtOnce())
    monkeypatch.setattr(log_reader, "heads", lambda ids: dict.fromkeys(ids, LogPosition(5)))
    monkeypatch.setattr(admission, "admit", admit)
    monkeypatch.setattr(admission, "renew", renew)
    return found


@pytest.fixture
def hubs(monkeypatch, asked):
    def make():
        made = Hub()
        made._listener = Quiet()
        monkeypatch.setattr(longpoll, "hub", lambda: made)
        return made

    return make


def poll(app, token="t", query=b"after=5&wait=5", address="1.2.3.4"):
    """A running request, and what it has been sent."""
    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/chats/42/events",
        "query_string": query,
        "headers": [(b"authorization", b"Bearer " + token.encode())],
        "client": (address, 1),
    }
    return asyncio.ensure_future(app(scope, receive, send)), sent


def event(seq, text="Hello"):
    return Hint.from_event(
        {
            "seq": seq,
            "type": "message.created",
            "chat_id": 42,
            "created_at": "T",
            "data": {"text": text},
        }
    )


async def held(hub, number):
    """Wait until so many polls wait for the feed."""
    feed = (42, Audience.EVERYONE)
    while len(hub._feeds[feed].waiters if feed in hub._feeds else ()) < number:
        await asyncio.sleep(0.001)


def test_three_hundred_are_woken_without_a_query_each(view, asked, hubs, settings):
    settings.STREAMS_PER_TOKEN = settings.STREAMS_PER_ADDRESS = 1000

    async def run():
        hub, app = hubs(), LongPoll(view)
        polls = [poll(app) for _ in range(300)]
        await held(hub, 300)
        asked["woken"].clear()
        hub.on_message("chat:42", event(6).pack())
        await asyncio.wait_for(asyncio.gather(*[task for task, _ in polls]), 5)
        assert view.asked == 300  # when they came
        assert sum(asked["came"]) <= 5
        assert asked["woken"] == [1]
        for _, (start, body) in polls:
            json = Hint.event_json(event(6).frame(Audience.EVERYONE))
            assert body["body"] == b'{"data":[%b],"last_seq":6}' % json
            headers = dict(start["headers"])
            assert headers[b"content-length"] == b"%d" % len(body["body"])
            assert headers[b"X-RateLimit-Limit"] == b"100"

    asyncio.run(run())


@pytest.mark.parametrize("what", ["news", "the end of its time"])
def test_a_token_that_ended_meanwhile_is_told_nothing(view, asked, hubs, what):
    async def run():
        hub, app = hubs(), LongPoll(view)
        task, sent = poll(app, query=b"after=5&wait=1")
        await held(hub, 1)
        asked["valid"], view.status = False, 401
        if what == "news":
            hub.on_message("chat:42", event(6, "secret").pack())
        await asyncio.wait_for(task, 5)
        assert sent[0]["status"] == 401
        assert b"secret" not in sent[1]["body"]

    asyncio.run(run())


def test_a_feed_that_lacks_what_came_leaves_it_to_the_view(view, hubs):
    """An edit made the feed forget what it had; the log has the new wording."""

    async def run():
        hub, app = hubs(), LongPoll(view)
        task, sent = poll(app)
        await held(hub, 1)
        view.events = [b'"new wording"', b'"edit"']
        hub.on_message("chat:42", event(6, "old wording").pack())
        edit = event(7).body.replace(b"message.created", b"message.updated")
        hub.on_message("chat:42", event(7)._replace(body=edit).pack())
        await asyncio.wait_for(task, 5)
        assert sent[1]["body"] == b'{"data":["new wording","edit"],"last_seq":7}'

    asyncio.run(run())


@pytest.mark.parametrize(("query", "seqs"), [(b"limit=2", [6, 7]), (b"", [6, 7, 8])])
def test_it_keeps_to_the_limit_that_was_asked_for(view, hubs, query, seqs):
    async def run():
        hub, app = hubs(), LongPoll(view)
        task, sent = poll(app, query=b"after=5&wait=5&" + query)
        await held(hub, 1)
        for seq in (6, 7, 8):
            hub.on_message("chat:42", event(seq).pack())
        await asyncio.wait_for(task, 5)
        page = longpoll.parse_page(sent)
        assert [each["seq"] for each in page["data"]] == seqs
        assert page["last_seq"] == 8

    asyncio.run(run())


@pytest.mark.parametrize(
    ("cap", "whose"),
    [
        ("STREAMS_PER_TOKEN", lambda n: {"token": "t", "address": f"1.2.3.{n}"}),
        ("STREAMS_PER_ADDRESS", lambda n: {"token": "t" * n, "address": "1.2.3.4"}),
        ("STREAMS_PER_PROCESS", lambda n: {"token": "t" * n, "address": f"1.2.3.{n}"}),
    ],
)
def test_one_too_many_is_refused(view, hubs, settings, cap, whose):
    setattr(settings, cap, 3)

    async def run():
        hub, caps = hubs(), Caps()
        app = LongPoll(view, caps)
        polls = [poll(app, **whose(number)) for number in (1, 2, 3)]
        await held(hub, 3)
        task, sent = poll(app, **whose(4))
        await asyncio.wait_for(task, 5)
        start, body = sent
        assert start["status"] == 429
        assert int(dict(start["headers"])[b"retry-after"]) > 0
        assert dict(start["headers"])[b"x-ratelimit-limit"] == b"100"
        assert b'"rate_limited"' in body["body"]
        hub.on_message("chat:42", event(6).pack())
        await asyncio.gather(*[each for each, _ in polls])
        assert not caps._open
        assert caps._total == 0

    asyncio.run(run())


def test_who_goes_makes_room(view, hubs, settings):
    settings.STREAMS_PER_TOKEN = 1

    async def run():
        hub, caps = hubs(), Caps()
        app = LongPoll(view, caps)
        task, _ = poll(app)
        await held(hub, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert caps._total == 0
        task, sent = poll(app)
        await held(hub, 1)
        hub.on_message("chat:42", event(6).pack())
        await asyncio.wait_for(task, 5)
        assert sent[0]["status"] == 200

    asyncio.run(run())


def test_polls_and_streams_of_a_token_share_a_cap(live, settings):
    """The attack: one token, as many requests as it likes."""
    chat = live.chat()
    token = live.guest(chat)[1]
    path = f"/api/chats/{chat}/events?after={live.head(chat)}&wait=20"
    get = live.installation.call
    with live.stream(chat, token) as stream, ThreadPoolExecutor(40) as pool:
        logged(stream)
        polls = [pool.submit(get, "GET", path, token=token) for _ in range(40)]
        held = settings.STREAMS_PER_TOKEN - 1
        wait_for(lambda: sum(each.done() for each in polls) >= 40 - held)
        refused = [each for each in polls if each.done()]
        assert len(refused) == 40 - held
        for each in refused:
            answer = each.result()
            assert (answer.status, answer.body["code"]) == (429, "rate_limited")
            assert int(answer.headers["Retry-After"]) > 0
        with live.stream(chat, token) as another:
            assert another.status == 429
        # What is there is answered all the same, and so is a page that need not wait.
        assert get("GET", f"/api/chats/{chat}/events?wait=20", token=token).status == 200
        assert get("GET", f"/api/chats/{chat}/events?after=999", token=token).status == 200
        live.say(chat, token)
        pages = [each.result(10) for each in polls if each not in refused]
    assert [page.status for page in pages] == [200] * held
    as_asked = get("GET", path.replace("wait=20", "wait=0"), token=token)
    assert all(page.body == as_asked.body for page in pages)
    for name in ("Content-Type", "Content-Length", "Access-Control-Expose-Headers"):
        assert pages[0].headers[name] == as_asked.headers[name]


def test_what_does_not_wait_is_handed_on():
    inner = Recorder()
    talk(LongPoll(inner), [{"type": "http.request", "body": b"x", "more_body": False}])
    assert inner.body == b"x"


def test_a_bug_outside_django_is_answered_in_shape(caplog):
    async def broken(scope, receive, send):
        raise RuntimeError("a secret of the inside")

    start, body = talk(ErrorBoundary(broken), [], path="/api/x\nforged")
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
