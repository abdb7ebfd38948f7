"""A chat's feed: every event once and in order, whatever becomes of the hints."""

import asyncio
import random

import pytest

from chats.access.grants import Grant
from chats.hints import Hint, LogPosition, Position
from chats.stream import chat_feed as feeds
from chats.stream import log_reader
from chats.stream.chat_feed import ChatFeed
from chats.stream.subscriber import Subscriber
from chats.stream.writer import Writer
from chats.tests.streaming import eventually

GRANT = Grant("chat", 1, None, 1, 42, (3,), 1e12)


def hint(seq):
    event = {"seq": seq, "type": "message.created", "chat_id": 42, "created_at": "T", "data": {}}
    return Hint.from_event(event)


class Log:
    """What has been committed, as the feed reads it."""

    def __init__(self):
        self.head = 0
        self.reads = 0

    def read(self, places):
        self.reads += 1
        return {
            place: [hint(n) for n in range(place.after + 1, min(self.head, place.after + 10) + 1)]
            for place in places
        }

    def heads(self, chat_ids):
        return dict.fromkeys(chat_ids, LogPosition(self.head))


class Reader:
    """Who reads a stream, slowly if wanted; `ids` are those of the events it got."""

    def __init__(self, seq=0, pause=0.0):
        self.content, self.pause = b"", pause
        self.stream = Subscriber(GRANT, Writer({}, self.send, []), seq)

    async def send(self, message):
        if message["type"] == "http.response.body":
            await asyncio.sleep(self.pause)
        self.content += message.get("body", b"")

    @property
    def ids(self):
        lines = self.content.decode().splitlines()
        return [int(line[4:]) for line in lines if line.startswith("id: ")]


@pytest.fixture
def log(monkeypatch):
    log = Log()
    monkeypatch.setattr(feeds, "REORDER_SECONDS", 0.01)

    return log


class AtOnce:
    """Answers in the event loop itself, after a while."""

    async def call(self, function, *args):
        await asyncio.sleep(random.random() / 500)
        return function(*args)


def pages(ask):
    return log_reader.Batcher(AtOnce(), ask, max_size=2)


def opened(log, head=0):
    feed = ChatFeed(42, pages(log.read), pages(log.heads))
    feed.use_count = 1
    log.head = head
    feed.start(head)
    return feed


def test_hints_in_order_cost_no_read(log):
    async def run():
        feed, gina = opened(log), Reader()
        await feed.attach(gina.stream, b"")
        for seq in range(1, 6):
            feed.receive(hint(seq))
        await eventually(lambda: gina.ids == [1, 2, 3, 4, 5])
        assert log.reads == 0

    asyncio.run(run())


def test_hints_that_overtake_each_other_are_put_right_without_a_read(log):
    async def run():
        feed, gina = opened(log), Reader()
        await feed.attach(gina.stream, b"")
        for seq in (2, 1, 1, 4, 3, 2):
            feed.receive(hint(seq))
        await eventually(lambda: gina.ids == [1, 2, 3, 4])
        assert log.reads == 0

    asyncio.run(run())


def test_a_hint_that_is_lost_is_read(log):
    async def run():
        feed, gina = opened(log), Reader()
        await feed.attach(gina.stream, b"")
        log.head = 30
        feed.receive(hint(1))
        feed.receive(hint(30))
        await eventually(lambda: gina.ids == list(range(1, 31)))

    asyncio.run(run())


def test_a_head_that_is_learnt_is_read_up_to(log):
    async def run():
        feed, gina = opened(log, 5), Reader(seq=5)
        await feed.attach(gina.stream, b"")
        log.head = 25
        feed.learn_head(25)
        await eventually(lambda: gina.ids == list(range(6, 26)))

    asyncio.run(run())


def test_hints_that_come_while_it_opens_are_kept(log):
    async def run():
        feed, gina = opened(log), Reader()
        feed.opening = asyncio.get_running_loop().create_future()
        log.head = 3
        for seq in (3, 4, 5):
            feed.receive(hint(seq))
        feed.start(3)
        assert feed.number == 5
        log.head = 5
        await feed.attach(gina.stream, b"")
        assert gina.ids == [1, 2, 3, 4, 5]

    asyncio.run(run())


def test_who_was_gone_for_a_moment_is_served_from_memory(log):
    async def run():
        feed, gina, greta = opened(log), Reader(), Reader(seq=7)
        await feed.attach(gina.stream, b"")
        for seq in range(1, 11):
            feed.receive(hint(seq))
        await feed.attach(greta.stream, b"")
        assert greta.ids == [8, 9, 10]
        assert log.reads == 0

    asyncio.run(run())


def test_who_has_read_more_than_was_heard_of_gets_nothing_twice(log):
    async def run():
        feed, gina = opened(log, 5), Reader(seq=8)
        log.head = 8
        await feed.attach(gina.stream, b"")
        for seq in (6, 7, 8, 9):
            feed.receive(hint(seq))
        await eventually(lambda: gina.ids == [9])

    asyncio.run(run())


def test_who_has_read_what_never_was_begins_at_the_head(log):
    async def run():
        feed, gina = opened(log, 5), Reader(seq=1000)
        await feed.attach(gina.stream, b"")
        feed.receive(hint(6))
        await eventually(lambda: gina.ids == [6])

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_becomes_of_the_hints(log, seed):
    """Hints are lost, doubled and swapped while readers come and go at any place."""
    pick = random.Random(seed)

    async def run():
        feed = opened(log, pick.randint(0, 30))
        readers, joining = [], []
        for _ in range(150):
            log.head += 1
            told = [log.head] if pick.random() < 0.8 else []
            told += [pick.randint(1, log.head)] * pick.randint(0, 1)
            pick.shuffle(told)
            for seq in told:
                feed.receive(hint(seq))
            if pick.random() < 0.15:
                reader = Reader(pick.randint(0, log.head), pause=pick.random() / 300)
                readers.append((reader, reader.stream.number))
                joining.append(asyncio.ensure_future(feed.attach(reader.stream, b"")))
            await asyncio.sleep(pick.random() / 500)
        feed.learn_head(log.head)
        await asyncio.gather(*joining)
        await eventually(
            lambda: all(
                reader.ids == list(range(began + 1, log.head + 1)) for reader, began in readers
            )
        )

    asyncio.run(run())


def test_what_passes_replaces_what_the_same_one_did(settings):
    async def run():
        gina = Reader(pause=0.02)
        writer = gina.stream.writer
        writer.push(b"first\n")
        await asyncio.sleep(0)
        for number in range(5):
            writer.push_ephemeral("gina", b"typing %d\n" % number, 6)
        writer.push_ephemeral("greta", b"over\n", -1)  # nobody needs it any more
        await eventually(lambda: gina.content == b"first\ntyping 4\n")

    asyncio.run(run())


def test_what_piles_up_is_bounded(settings):
    class Connection:
        aborted = False

        def abort(self):
            self.aborted = True

    async def run():
        gina, connection = Reader(pause=10), Connection()
        writer = Writer({"extensions": {"chatapi.connection": connection}}, gina.send, [])
        settings.STREAM_BUFFER_BYTES = 1000
        writer.push(b"x" * 600)
        await asyncio.sleep(0)
        writer.push(b"x" * 600)
        assert not writer.closed
        writer.push(b"x" * 600)
        assert writer.closed
        assert connection.aborted

    asyncio.run(run())


def test_a_hint_is_the_same_after_its_way():
    for each in (hint(7), Hint.ephemeral("typing", 42, {"chat_user_id": 1})):
        assert Hint.unpack(each.pack()) == each


@pytest.mark.parametrize("text", ["", "x", "2021-07-05T09:31:38.000000Z_42", "2021_1_1", "_1_1"])
def test_what_is_no_place(text):
    with pytest.raises(ValueError):
        Position.parse(text)


def test_a_place_is_its_own_text():
    text = "2021-07-05T09:31:38.000001Z_42_7"
    assert str(Position.parse(text)) == text


def test_long_polls_of_a_deleted_chat_are_answered_at_once(log):
    async def run():
        feed = opened(log)
        waiting = [asyncio.create_task(feed.wait(0)) for _ in range(3)]
        await eventually(lambda: len(feed.waiters) == 3)
        waiting[0].cancel()
        feed.wake_waiters()
        feed.wake_waiters()
        assert await asyncio.gather(*waiting[1:]) == [None, None]
        assert not feed.waiters

    asyncio.run(run())
