"""The feeds of guests and of members of one chat, whatever hints are lost, late or reordered."""

import asyncio
import random

import pytest

from chats.hints import Hint, LogPosition, bus_messages, chat_channel, members_channel
from chats.models.events import Audience
from chats.stream import chat_feed
from chats.stream.chat_feed import ChatFeed
from chats.stream.subscriber import Subscriber

CHAT = 1
COMPANY = 3


def hint(position, for_members):
    kind = b"note" if for_members else b"message"
    body = b"event: %b.created\ndata: {}\n\n" % kind
    return Hint(CHAT, position.seq, "T", body, position.member_seq, for_members)


def concerns(hint, audience):
    return audience is Audience.MEMBERS or not hint.for_members


class Writer:
    """Keeps the frames that it is given."""

    closed = False

    def __init__(self):
        self.frames = []

    def push(self, frame):
        self.frames.append(frame)

    async def write(self, data):
        await asyncio.sleep(0)
        self.frames += [frame + b"\n\n" for frame in data.split(b"\n\n") if frame]


class Pages:
    """The log as these readers read it, in pages that are short, so that there are many."""

    def __init__(self, chat, audience):
        self.chat, self.audience = chat, audience

    async def get(self, request):
        await asyncio.sleep(self.chat.chance.random() / 300)
        found = [
            each
            for each in self.chat.log
            if concerns(each, self.audience) and each.number(self.audience) > request.after
        ]
        if self.audience is Audience.EVERYONE:
            found = [each._replace(member_seq=0) for each in found]  # as rows of the log have it
        return found[:5]


class Chat:
    """Two logs, their feeds, and the way of a hint from the one to the other."""

    def __init__(self, chance):
        self.chance = chance
        self.log = []
        self.head = LogPosition(0, 0)
        self.feeds = {
            each: ChatFeed(CHAT, Pages(self, each), self.heads, each) for each in Audience
        }
        for feed in self.feeds.values():
            feed.use_count = 1
            feed.start(0)

    @property
    def heads(self):
        chat = self

        class Heads:
            async def get(self, _):
                return chat.head

        return Heads()

    def append(self):
        seq, member_seq = self.head
        for_members = bool(seq) and self.chance.random() < 0.5
        self.head = LogPosition(seq + (not for_members), member_seq + for_members)
        self.log.append(hint(self.head, for_members))
        return self.log[-1]

    def receive(self, channel, payload):
        found = Hint.unpack(payload)
        if channel == chat_channel(CHAT):
            self.feeds[Audience.EVERYONE].receive(found)
        if channel in {chat_channel(CHAT), members_channel(CHAT)}:
            self.feeds[Audience.MEMBERS].receive(found)

    async def deliver(self, messages):
        for channel, payload in messages:
            if self.chance.random() < 0.15:
                continue  # lost
            await asyncio.sleep(self.chance.random() / 100)
            for _ in range(1 + (self.chance.random() < 0.1)):
                self.receive(channel, payload)


@pytest.mark.parametrize("seed", range(15))
def test_each_event_comes_once_and_in_order(seed, monkeypatch):
    monkeypatch.setattr(chat_feed, "REORDER_SECONDS", 0.002)
    chance = random.Random(seed)

    async def run():
        chat = Chat(chance)
        readers, tasks = [], []
        for _ in range(80):
            tasks.append(asyncio.create_task(chat.deliver(bus_messages(COMPANY, chat.append()))))
            if chance.random() < 0.2:
                audience = chance.choice(list(Audience))
                head = chat.head.number(audience)
                reader = Subscriber(None, Writer(), chance.randint(0, head), head)
                readers.append((audience, reader.number, reader))
                tasks.append(asyncio.create_task(chat.feeds[audience].attach(reader, b"")))
            await asyncio.sleep(chance.random() / 500)
        await asyncio.gather(*tasks)
        for audience, feed in chat.feeds.items():
            feed.learn_head(chat.head.number(audience))
            while feed.number < chat.head.number(audience):
                await asyncio.sleep(0.001)
        for audience, after, reader in readers:
            assert reader.writer.frames == [
                each.frame(audience)
                for each in chat.log
                if concerns(each, audience) and each.number(audience) > after
            ]

    asyncio.run(run())


def test_an_event_by_a_process_of_the_version_before_is_read_from_the_log(monkeypatch):
    monkeypatch.setattr(chat_feed, "REORDER_SECONDS", 0.001)

    async def run():
        chat = Chat(random.Random(1))
        chat.log = [
            hint(LogPosition(1, 0), False),
            hint(LogPosition(1, 1), True),
            hint(LogPosition(2, 1), False),
            hint(LogPosition(3, 1), False),
        ]
        chat.head = LogPosition(3, 1)
        feed = chat.feeds[Audience.MEMBERS]
        feed.start(2, 1)
        reader = Subscriber(None, Writer(), 2, 2)
        await feed.attach(reader, b"")
        for seq in (2, 3):
            chat.receive("chat:1", b"1 %d T\nevent: message.created\ndata: {}\n\n" % seq)
        while feed.number < 4:
            await asyncio.sleep(0.001)
        assert [frame.partition(b"\n")[0] for frame in reader.writer.frames] == [
            b"id: 2.m1",
            b"id: 3.m1",
        ]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("position", "for_members", "on_chat", "on_members"),
    [
        (LogPosition(12, 0), False, b"1 12 T", None),
        (LogPosition(12, 4), False, b"1 +12 T", b"1 12.m4 T"),
        (LogPosition(12, 4), True, None, b"1 12m4 T"),
    ],
)
def test_the_form_of_hints(position, for_members, on_chat, on_members):
    sent = hint(position, for_members)
    lines = {channel: data.partition(b"\n")[0] for channel, data in bus_messages(COMPANY, sent)}
    assert lines.get(chat_channel(CHAT)) == on_chat
    assert lines.get(members_channel(CHAT)) == on_members
    if on_chat is not None:
        assert int(on_chat.split(b" ")[1]) == position.seq  # as the version before reads it
    assert Hint.unpack(sent.pack()) == sent
