"""The hub and what it is made of, when everything happens at the wrong moment."""

import asyncio
from types import SimpleNamespace

import pytest
import redis
from django.db import OperationalError

from chatapi.api import tokens
from chatapi.bus.messages import ACCESS, CONTROL
from chatapi.limits.limiter import Verdict
from chatapi.server.hooks import CONNECTION
from chats.access.grants import Grant
from chats.hints import Hint, LogPosition
from chats.models.events import Audience
from chats.stream import admission, endpoint, hub, log_reader, presence, writer
from chats.stream.chat_feed import MAX_EARLY
from chats.stream.endpoint import EventStream
from chats.stream.hub import Hub
from chats.stream.presence_registry import ConnectedUser, MemoryRegistry
from chats.stream.subscriber import Subscriber
from chats.stream.writer import Writer
from chats.tests.streaming import eventually

TOKEN = tokens.mint("cnc_42_").encode()


class AtOnce:
    """Threads that answer in the event loop itself."""

    def __init__(self, pause=0.0):
        self.pause = pause

    async def call(self, function, *args):
        await asyncio.sleep(self.pause)
        return function(*args)


class Quiet:
    """A listener that confirms after a while, and knows what is wanted."""

    def __init__(self, handler, pause=0.0):
        self.handler, self.pause = handler, pause
        self.names = set()

    async def subscribe(self, names):
        self.names.update(names)
        await asyncio.sleep(self.pause)

    def unsubscribe(self, name):
        self.names.discard(name)


@pytest.fixture
def made(monkeypatch):
    """A hub without a database: chats are at their 5th event, everybody may read all."""

    def make(pause=0.0):
        for threads in ("LOG_POOL", "ADMISSION_POOL", "BACKGROUND_POOL"):
            monkeypatch.setattr(log_reader, threads, AtOnce(pause))
        monkeypatch.setattr(log_reader, "heads", lambda ids: dict.fromkeys(ids, LogPosition(5)))
        monkeypatch.setattr(log_reader, "chat_events", lambda spots: {spot: [] for spot in spots})
        monkeypatch.setattr(log_reader, "company_events", lambda ids, after: [])
        monkeypatch.setattr(log_reader, "events_at", lambda spots: {s: hint(s[1]) for s in spots})
        monkeypatch.setattr(admission, "renew", lambda grants: {each: each for each in grants})
        made = Hub()
        made._listener = Quiet(made, pause)
        return made

    return make


class Read:
    """What a reader was sent."""

    def __init__(self, grant, seq=5):
        self.content, self.ended = b"", False
        self.stream = Subscriber(grant, Writer({}, self.send, []), seq)

    async def send(self, message):
        self.content += message.get("body", b"")
        self.ended = not message.get("more_body", True)


def guest(chat_id=42, token_id=1):
    return Grant("chat", token_id, None, None, chat_id, (3,), 1e12)


def member(*company_ids):
    return Grant("api", 7, 9, None, None, company_ids, 1e12)


def test_a_stream_that_goes_while_its_feed_opens_leaves_nothing(made):
    async def run():
        hub = made(pause=0.01)
        for _ in range(10):
            gina = Read(guest())
            hub.add(gina.stream, 0)
            running = asyncio.ensure_future(hub.run(gina.stream, None))
            await asyncio.sleep(0.005)
            running.cancel()
            hub.remove(gina.stream)
        await eventually(
            lambda: (hub._feeds, hub.subscribers, hub._listener.names) == ({}, set(), set())
        )

    asyncio.run(run())


def test_a_wait_that_is_given_up_leaves_nothing(made):
    async def run():
        hub = made(pause=0.01)
        for pause in (0, 0.005, 0.05):
            waiting = asyncio.ensure_future(hub.wait(42, 5, Audience.EVERYONE))
            await asyncio.sleep(pause)
            waiting.cancel()
            await asyncio.sleep(0)
        await eventually(lambda: (hub._feeds, hub._listener.names) == ({}, set()))

    asyncio.run(run())


def test_a_feed_that_could_not_be_opened_is_opened_anew(made, monkeypatch):
    async def run():
        hub = made()

        def broken(ids):
            raise ValueError("not the database's fault")

        monkeypatch.setattr(hub._heads, "_fetch", broken)
        with pytest.raises(ValueError):
            await hub.wait(42, 5, Audience.EVERYONE)
        assert hub._feeds == {}
        monkeypatch.setattr(hub._heads, "_fetch", lambda ids: dict.fromkeys(ids, LogPosition(6)))
        await asyncio.wait_for(hub.wait(42, 5, Audience.EVERYONE), 1)

    asyncio.run(run())


def test_two_changes_of_access_at_once_send_nobody_away(made, monkeypatch):
    """A member of one company is let into two others, the second while the first is looked up."""

    async def run():
        hub = made(pause=0.01)
        bob = Read(member(3))
        hub.add(bob.stream, 0)
        await hub.run(bob.stream, None)
        now = [(3,), (3, 4)]
        monkeypatch.setattr(
            admission, "renew", lambda grants: {g: g._replace(company_ids=now[-1]) for g in grants}
        )
        hub.on_message(CONTROL, ACCESS + b"user:9")
        await asyncio.sleep(0.002)
        now.append((3, 4, 5))
        hub.on_message(CONTROL, ACCESS + b"user:9")
        await eventually(lambda: bob.stream.grant.company_ids == (3, 4, 5))
        assert not bob.stream.writer.closed
        assert {"company:3", "company:4", "company:5"} <= hub._listener.names

    asyncio.run(run())


@pytest.mark.parametrize("subject", [b"chat:42", b"company:3"])
def test_a_change_of_access_between_admission_and_opening_is_not_missed(made, monkeypatch, subject):
    async def run():
        hub = made()
        monkeypatch.setattr(admission, "renew", lambda grants: {})
        before = hub.renewal.change_count
        hub.on_message(CONTROL, ACCESS + b"chat:43")
        hub.on_message(CONTROL, ACCESS + subject)
        gina = Read(guest())
        hub.add(gina.stream, before)
        await hub.run(gina.stream, None)
        await eventually(lambda: b"event: bye" in gina.content)
        assert gina.ended

    asyncio.run(run())


def test_others_access_is_none_of_its_business(made, monkeypatch):
    async def run():
        hub = made()
        asked = []
        monkeypatch.setattr(admission, "renew", asked.append)
        for number in range(100):
            hub.on_message(CONTROL, ACCESS + b"chat:%d" % (number + 100))
        gina = Read(guest())
        hub.add(gina.stream, 0)
        await asyncio.sleep(0.05)
        assert asked == []

    asyncio.run(run())


def test_what_happens_while_a_member_catches_up_comes_after_it(made, monkeypatch):
    async def run():
        hub = made(pause=0.02)
        log = [hint(1), hint(2)]
        monkeypatch.setattr(log_reader, "company_events", lambda ids, after: [(3, h) for h in log])
        bob = Read(member(3))
        hub.add(bob.stream, 0)
        running = asyncio.ensure_future(hub.run(bob.stream, None))
        await asyncio.sleep(0.01)
        hub.on_message("company:3", hint(9).pack())
        await running

        def ids():
            lines = bob.content.splitlines()
            return [line.rsplit(b"_", 1)[1] for line in lines if b"id: " in line]

        await eventually(lambda: ids() == [b"0", b"1", b"2", b"9"])

    asyncio.run(run())


def hint(seq):
    at = "2021-07-05T09:31:38.000000Z"
    event = {"seq": seq, "type": "message.created", "chat_id": 42, "created_at": at, "data": {}}
    return Hint.from_event(event)


def test_a_feed_with_too_many_early_hints_still_takes_the_one_it_lacks(made, monkeypatch):
    async def run():
        hub = made(pause=0.01)
        gina = Read(guest())
        hub.add(gina.stream, 0)
        await hub.run(gina.stream, None)
        last = MAX_EARLY + 50
        monkeypatch.setattr(
            hub._pages,
            "_fetch",
            lambda spots: {
                each: [hint(n) for n in range(each.after + 1, each.after + 101)] for each in spots
            },
        )
        for seq in range(7, last + 1):
            hub.on_message("chat:42", hint(seq).pack())

        def ids():
            lines = gina.content.splitlines()
            return [int(line[4:]) for line in lines if line.startswith(b"id: ")]

        await eventually(lambda: ids()[: last - 5] == list(range(6, last + 1)))

    asyncio.run(run())


# --- Batches ----------------------------------------------------------------------------------


def test_one_who_cannot_be_answered_does_not_spoil_the_others():
    def ask(keys):
        if 13 in keys:
            raise OverflowError
        return {key: key * 2 for key in keys}

    async def run():
        batch = log_reader.Batcher(AtOnce(), ask, max_size=10)
        found = await asyncio.gather(*map(batch.get, range(20)), return_exceptions=True)
        assert [type(each) for each in found].count(OverflowError) == 1
        assert found[:13] == [n * 2 for n in range(13)]

    asyncio.run(run())


def test_a_database_that_is_away_is_told_to_all_and_asked_again():
    asked = []

    def ask(keys):
        asked.append(len(keys))
        raise OperationalError

    async def run():
        batch = log_reader.Batcher(AtOnce(), ask, max_size=10)
        found = await asyncio.gather(*map(batch.get, range(10)), return_exceptions=True)
        assert {type(each) for each in found} == {OperationalError}
        assert asked == [10]  # once for all

    asyncio.run(run())


def test_a_snapshot_that_could_not_be_read_is_sent_later(made, monkeypatch):
    class Down:
        def __getattr__(self, name):
            raise redis.ConnectionError("down")

    async def run():
        hub, gina = made(), Read(guest())
        monkeypatch.setattr(presence, "publish_presence", lambda *args: None)
        monkeypatch.setattr(presence, "record_last_seen", lambda *args: None)
        hub.presence.add(gina.stream, [ConnectedUser(3, 42, 8)], (42,))
        monkeypatch.setattr(presence, "registry", Down)
        await hub.presence.tick()
        registry = MemoryRegistry()
        monkeypatch.setattr(presence, "registry", lambda: registry)
        await hub.presence.tick()
        await eventually(lambda: b'"online":true' in gina.content)

    asyncio.run(run())


def test_it_knows_the_hub_of_the_process():
    assert hub.hub() is hub.hub()


def test_a_background_job_goes_on_after_errors(made):
    errors = [OperationalError("down"), ValueError("a bug")]
    done = []

    async def work():
        if errors:
            raise errors.pop()
        done.append(True)

    async def run():
        task = asyncio.create_task(made()._run_every(0, work))
        await eventually(lambda: done)
        task.cancel()

    asyncio.run(run())


def test_a_client_that_reads_nothing_is_disconnected(monkeypatch):
    async def never(message):
        await asyncio.Event().wait()

    async def run():
        monkeypatch.setattr(writer, "WRITE_TIMEOUT", 0.01)
        monkeypatch.setattr(writer, "END_TIMEOUT", 0.01)
        for disconnect in (lambda each: each.write(b"a page"), ended):
            connection = Aborted()
            await disconnect(Writer({"extensions": {CONNECTION: connection}}, never, []))
            await eventually(lambda connection=connection: connection.aborted)

    async def ended(each):
        each.end(b"the last event")

    asyncio.run(run())


class Aborted:
    """A connection that notes whether it was closed at once."""

    aborted = False

    def abort(self):
        self.aborted = True


@pytest.fixture
def streamed(monkeypatch):
    """What a request for a stream is answered with, if `admit` is the admission of the hub."""

    def stream(admit):
        sent = []

        async def send(message):
            sent.append(message)

        made = SimpleNamespace(admit=admit, record_use=lambda admission: None)
        monkeypatch.setattr(endpoint, "hub", lambda: made)
        headers = [(b"accept", b"text/event-stream"), (b"authorization", b"Bearer " + TOKEN)]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/chats/42/events",
            "query_string": b"",
            "headers": headers,
        }
        asyncio.run(EventStream(None)(scope, None, send))
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    return stream


def test_a_stream_is_to_be_retried_while_the_database_is_down(streamed):
    async def admit(token, chat_id):
        raise OperationalError("down")

    status, headers, body = streamed(admit)
    assert status == 200  # an EventSource would give up after an error
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert body.startswith(b"retry: ")


def test_too_many_streams_are_refused_with_the_time_to_wait(streamed):
    async def admit(token, chat_id):
        verdict = Verdict(allowed=False, limit=10, remaining=0, retry_after=6.5)
        return admission.Admission(guest(), 0, verdict, False), 0

    status, headers, body = streamed(admit)
    assert status == 429
    assert {name.lower(): value for name, value in headers.items()}[b"retry-after"] == b"7"
    assert b'"rate_limited"' in body
