"""Whoever catches up reads messages as they are now, never a text that was deleted or replaced."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chatapi.api.encoding import instant
from chatapi.bus.messages import ACCESS, CONTROL
from chats.access.grants import Grant
from chats.actions import chat_users, messages
from chats.hints import Hint, LogPosition, Place, Position
from chats.models import Event
from chats.stream import admission, hub, log_reader
from chats.stream import chat_feed as feeds
from chats.stream.chat_feed import ChatFeed
from chats.stream.subscriber import Subscriber
from chats.stream.writer import Writer
from chats.tests.live import logged
from chats.tests.streaming import eventually
from conftest import make_guest

SECRET = "the old wording"


class Log:
    """A chat's log as it is committed. A hint shows a message as it was, a read as it is."""

    def __init__(self):
        self.head, self.texts, self.events, self.times = 0, {}, {}, {}

    def commit(self, type, message_seq=None, text=None, at=None):
        """The hint of the event, which is published whenever a test likes."""
        self.head += 1
        about = message_seq or self.head
        self.texts[about] = text
        self.events[self.head] = (type, about)
        self.times[self.head] = at or datetime.now(UTC)
        return self.render(self.head)

    def render(self, seq):
        kind, about = self.events[seq]
        event = {
            "seq": seq,
            "type": kind,
            "chat_id": 42,
            "created_at": instant(self.times[seq]),
            "data": {"seq": about, "text": self.texts[about]},
        }
        return Hint.from_event(event)

    def pages(self, spots):
        return {
            spot: [self.render(n) for n in range(spot[1] + 1, min(self.head, spot[1] + 100) + 1)]
            for spot in spots
        }

    def heads(self, chat_ids):
        return dict.fromkeys(chat_ids, LogPosition(self.head))

    def at(self, spots):
        return {spot: self.render(spot[1]) for spot in spots}

    def of_companies(self, company_ids, after):
        found = [(3, self.render(n)) for n in range(1, self.head + 1)]
        return [(company, hint) for company, hint in found if hint.position > after][:100]


class AtOnce:
    """Threads that answer in the event loop itself, a moment later."""

    async def call(self, function, *args):
        await asyncio.sleep(0.001)
        return function(*args)


class Reader:
    """What somebody's stream was sent."""

    def __init__(self, grant, seq=0, head=0):
        self.content = b""
        self.stream = Subscriber(grant, Writer({}, self.send, []), seq, head)

    async def send(self, message):
        self.content += message.get("body", b"")

    @property
    def ids(self):
        lines = [line for line in self.content.decode().splitlines() if "id: " in line]
        return [int(line.rpartition("_")[2].removeprefix("id: ")) for line in lines]


GUEST = Grant("chat", 1, None, 1, 42, (3,), 1e12)
MEMBER = Grant("api", 7, 9, None, None, (3,), 1e12)
CHANGES = [("message.deleted", None), ("message.updated", "the new wording")]


@pytest.fixture
def log():
    return Log()


# --- The feed of a chat ---


def opened(log, use_count=1):
    feed = ChatFeed(
        42, log_reader.Batcher(AtOnce(), log.pages, 20), log_reader.Batcher(AtOnce(), log.heads, 20)
    )
    feed.use_count = use_count
    feed.start(log.head)
    return feed


@pytest.mark.parametrize(("type", "text"), CHANGES)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_frames_that_were_kept(log, type, text, after):
    """Somebody keeps the chat open while a message is sent and changed; then another one comes."""

    async def run():
        feed, keeper = opened(log), Reader(GUEST)
        await feed.attach(keeper.stream, b"")
        for _ in range(2):
            feed.receive(log.commit("chat.updated"))
        feed.receive(log.commit("message.created", text=SECRET))
        for _ in range(3):
            feed.receive(log.commit("message.created", text="in between"))
        feed.receive(log.commit(type, 3, text))
        await eventually(lambda: SECRET.encode() in keeper.content)  # who was there has read it
        late = Reader(GUEST, after, head=log.head)
        await feed.attach(late.stream, b"")
        feed.receive(log.commit("message.created", text="Hello"))
        await eventually(lambda: late.ids == list(range(after + 1, log.head + 1)))
        assert SECRET.encode() not in late.content

    asyncio.run(run())


def test_an_edit_of_an_edit(log):
    async def run():
        feed = opened(log)
        feed.receive(log.commit("message.created", text="first"))
        feed.receive(log.commit("message.updated", 1, SECRET))
        feed.receive(log.commit("message.updated", 1, "third"))
        for after in range(3):
            late = Reader(GUEST, after, head=3)
            await feed.attach(late.stream, b"")
            await eventually(lambda late=late, after=after: late.ids == [*range(after + 1, 4)])
            assert SECRET.encode() not in late.content

    asyncio.run(run())


@pytest.mark.parametrize("after", [0, 5])
def test_a_hint_that_is_later_than_the_one_who_comes(log, after):
    """The message and its deletion are committed, and nothing of them is heard of yet."""

    async def run():
        for _ in range(5):
            log.commit("chat.updated")
        feed = opened(log)
        created = log.commit("message.created", text=SECRET)
        log.commit("message.deleted", 6)
        late = Reader(GUEST, after, head=log.head)
        attaching = asyncio.ensure_future(feed.attach(late.stream, b""))
        await asyncio.sleep(0)
        feed.receive(created)
        await attaching
        feed.receive(created)
        await eventually(lambda: late.ids == list(range(after + 1, 8)))
        assert SECRET.encode() not in late.content

    asyncio.run(run())


def test_hints_that_wait_for_an_earlier_one(log, monkeypatch):
    monkeypatch.setattr(feeds, "REORDER_SECONDS", 0.01)

    async def run():
        feed = opened(log)
        log.commit("chat.updated")  # whose hint is lost
        feed.receive(log.commit("message.created", text=SECRET))
        log.commit("message.deleted", 2)
        late = Reader(GUEST, 0, head=log.head)
        await feed.attach(late.stream, b"")
        await eventually(lambda: late.ids == [1, 2, 3])
        assert SECRET.encode() not in late.content

    asyncio.run(run())


def test_a_feed_that_opens_while_hints_come(log):
    """Its head was read before the deletion, for somebody who came before."""

    async def run():
        feed = opened(log)
        feed.opening = asyncio.get_running_loop().create_future()
        feed.receive(log.commit("message.created", text=SECRET))
        log.commit("message.deleted", 1)
        feed.start(0)
        late = Reader(GUEST, 0, head=log.head)
        await feed.attach(late.stream, b"")
        assert SECRET.encode() not in late.content
        assert late.ids == [1, 2]

    asyncio.run(run())


def test_a_chat_that_was_removed_for_good_keeps_nobody_waiting(log):
    async def run():
        feed = opened(log)
        late = Reader(GUEST, 0, head=7)
        await asyncio.wait_for(feed.attach(late.stream, b"welcome"), 1)

    asyncio.run(run())


def test_those_who_come_back_at_once_share_what_is_read(log):
    """A storm after a deletion: a thousand readers, and no more reads than places they are at."""
    asked = []

    def pages(spots):
        asked.append(spots)
        return log.pages(spots)

    async def run():
        feed = opened(log)
        feed._pages = log_reader.Batcher(AtOnce(), pages, 20)
        for _ in range(10):
            feed.receive(log.commit("message.created", text=SECRET))
        feed.receive(log.commit("message.deleted", 5))
        late = [Reader(GUEST, number % 10, head=log.head) for number in range(1000)]
        await asyncio.gather(*[feed.attach(each.stream, b"") for each in late])
        assert sum(map(len, asked)) <= 20
        assert all(each.ids[-1] == 11 for each in late)
        # Who missed nothing costs nothing.
        asked.clear()
        await asyncio.gather(*[feed.attach(Reader(GUEST, 11, 11).stream, b"") for _ in range(100)])
        assert asked == []

    asyncio.run(run())


# --- The feeds of companies ---


class Quiet:
    """A listener that hears nothing by itself."""

    async def subscribe(self, names):
        await asyncio.sleep(0)

    def unsubscribe(self, name):
        pass


@pytest.fixture
def made(monkeypatch, log):
    def make():
        for threads in ("LOG_POOL", "ADMISSION_POOL", "BACKGROUND_POOL"):
            monkeypatch.setattr(log_reader, threads, AtOnce())
        monkeypatch.setattr(log_reader, "company_events", log.of_companies)
        monkeypatch.setattr(log_reader, "events_at", log.at, raising=False)
        monkeypatch.setattr(admission, "renew", lambda grants: {each: each for each in grants})
        made = hub.Hub()
        made._listener = Quiet()
        return made

    return make


def told(made, hint):
    made.on_message("company:3", hint.pack())


async def come(made, grant=MEMBER, after=None):
    member = Reader(grant)
    made.add(member.stream, 0)
    await made.run(member.stream, after)
    return member


@pytest.mark.parametrize(("type", "text"), CHANGES)
def test_a_hint_to_a_member_who_came_after_the_change(made, log, type, text):
    async def run():
        hub = made()
        created = log.commit("message.created", text=SECRET)
        log.commit(type, 1, text)
        member = await come(hub)
        told(hub, created)
        await eventually(lambda: 1 in member.ids)
        assert SECRET.encode() not in member.content

    asyncio.run(run())


@pytest.mark.parametrize("after", [None, Position.at(datetime.now(UTC) - timedelta(hours=1))])
def test_hints_that_were_held_while_a_member_caught_up(made, log, monkeypatch, after):
    async def run():
        hub = made()
        created = log.commit("message.created", text=SECRET)
        log.commit("message.deleted", 1)
        # As when the hint's event was on a page before the last, or was committed late.
        monkeypatch.setattr(log_reader, "company_events", lambda ids, after: [])
        member = Reader(MEMBER)
        hub.add(member.stream, 0)
        running = asyncio.ensure_future(hub.run(member.stream, after))
        await asyncio.sleep(0)
        told(hub, created)
        await running
        await eventually(lambda: 1 in member.ids)
        assert SECRET.encode() not in member.content

    asyncio.run(run())


def test_a_retried_send_whose_hint_comes_after_the_deletion(made, log):
    async def run():
        hub = made()
        created = log.commit("message.created", text=SECRET)
        deleted = log.commit("message.deleted", 1)
        told(hub, deleted)
        member = await come(hub)
        told(hub, created)
        told(hub, created)
        await asyncio.sleep(0.05)
        assert SECRET.encode() not in member.content

    asyncio.run(run())


def test_a_member_who_is_let_into_another_company(made, log, monkeypatch):
    """The stream is old, the membership is new: what was deleted before it is not for them."""

    async def run():
        hub = made()
        member = await come(hub, MEMBER._replace(company_ids=(4,)))
        member.stream.admitted_at -= 1000
        member.stream.trusts_hints_after = "2021"
        created = log.commit("message.created", text=SECRET)
        log.commit("message.deleted", 1)
        monkeypatch.setattr(
            admission, "renew", lambda grants: {g: g._replace(company_ids=(3, 4)) for g in grants}
        )
        monkeypatch.setattr(log_reader, "company_events", lambda ids, after: [])
        hub.on_message(CONTROL, ACCESS + b"user:9")
        await asyncio.sleep(0.05)
        told(hub, created)
        await eventually(lambda: member.ids[-1:] == [1])
        assert SECRET.encode() not in member.content

    asyncio.run(run())


def test_a_look_at_the_log_that_began_before_a_member_came(made, log):
    async def run():
        hub = made()
        keeper = await come(hub)
        log.commit("message.created", text=SECRET)
        looking = asyncio.ensure_future(hub._company_feed.resync())
        stale = log.of_companies((3,), Position.at(datetime(2021, 1, 1, tzinfo=UTC)))
        member = Reader(MEMBER)
        log.commit("message.deleted", 1)
        hub._company_feed.add(member.stream, (3,), Position.at(datetime(2021, 1, 1, tzinfo=UTC)))
        hub._company_feed._catching_up.clear()
        for company_id, hint in stale:
            hub._company_feed.receive(company_id, hint, read_at=member.stream.admitted_at - 0.1)
        await looking
        await eventually(lambda: 1 in keeper.ids)
        assert 1 in member.ids
        assert SECRET.encode() not in member.content

    asyncio.run(run())


def test_more_than_a_page_has_happened(made, log, monkeypatch):
    async def run():
        feed, keeper, late = made()._company_feed, Reader(MEMBER), Reader(MEMBER)
        monkeypatch.setattr(log_reader, "PAGE", 100)
        long_ago = Position.at(datetime(2021, 1, 1, tzinfo=UTC))
        feed.add(keeper.stream, (3,), long_ago)
        await feed.attach(keeper.stream, b"")
        for _ in range(250):
            log.commit("chat.updated")
        await feed.resync()  # no hint arrived
        feed.add(late.stream, (3,), long_ago)
        await feed.attach(late.stream, b"")
        for reader in (keeper, late):
            await eventually(lambda reader=reader: reader.ids[-250:] == list(range(1, 251)))

    asyncio.run(run())


def test_too_much_happens_while_a_member_catches_up(made, log, settings):
    async def run():
        feed, member = made()._company_feed, Reader(MEMBER)
        feed.add(member.stream, (3,), Position.at(datetime.now(UTC)))
        settings.STREAM_BUFFER_BYTES = 300
        feed.receive(3, log.commit("message.created", text="x" * 100))
        assert not member.stream.writer.closed
        feed.receive(3, log.commit("message.created", text="x" * 100))
        assert member.stream.writer.closed  # it reconnects, and reads the log

    asyncio.run(run())


def test_members_who_have_been_there_cost_no_read(made, log, monkeypatch):
    async def run():
        hub = made()
        member = await come(hub)
        member.stream.trusts_hints_after = instant(datetime.now(UTC) - timedelta(seconds=1))
        monkeypatch.setattr(log_reader, "events_at", None)
        for _ in range(5):
            told(hub, log.commit("message.created", text="Hello"))
        await eventually(lambda: member.ids[-5:] == [1, 2, 3, 4, 5])

    asyncio.run(run())


def test_a_membership_that_ends_while_an_event_is_read(made, log, monkeypatch):
    async def run():
        hub = made()
        member = await come(hub)
        told(hub, log.commit("message.created", text=SECRET))
        monkeypatch.setattr(
            admission, "renew", lambda grants: {g: g._replace(company_ids=()) for g in grants}
        )
        hub._company_feed.remove(member.stream, (3,))
        await asyncio.sleep(0.05)
        assert SECRET.encode() not in member.content

    asyncio.run(run())


def test_events_that_cannot_be_read_have_their_streams_come_back(made, log, monkeypatch, caplog):
    def broken(spots):
        raise ValueError("not the database's fault")

    async def run():
        hub = made()
        member = await come(hub)
        monkeypatch.setattr(log_reader, "events_at", broken)
        told(hub, log.commit("message.created", text="Hello"))
        await eventually(lambda: member.stream.writer.closed)

    asyncio.run(run())
    assert "closing the streams that need them" in caplog.text


# --- What an admission and the log tell ---


def test_an_admission_knows_how_far_the_chat_had_come(chat, gina, bob):
    messages.send(gina.chat_user, "Hello")
    chat.refresh_from_db()
    knocks = [
        admission.AdmissionRequest(token, chat.pk, n)
        for n, token in enumerate((gina.token, bob.token))
    ]
    found = admission.admit(knocks)
    assert [found[knock].head for knock in knocks] == [chat.last_seq] * 2


def test_events_are_read_by_their_places(chat, other_chat, gina, hugo):
    sent, _ = messages.send(gina.chat_user, SECRET)
    messages.delete(chat.pk, sent["id"], gina.chat_user)
    spots = [Place(chat.pk, sent["seq"]), Place(other_chat.pk, 1), Place(other_chat.pk, 999)]
    found = log_reader.events_at(spots)
    assert set(found) == set(spots[:2])
    assert SECRET.encode() not in found[spots[0]].body
    assert found[spots[1]].body.startswith(b"event: chat.created\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda chat, gina, sent: messages.delete(chat.pk, sent["id"], gina.chat_user),
        lambda chat, gina, sent: messages.edit(gina.chat_user, sent["id"], "new"),
        lambda chat, gina, sent: chat_users.rename(gina.chat_user, {"last_name": "New"}),
    ],
)
def test_what_changes_earlier_events_is_known_by_its_type(chat, gina, change):
    sent, _ = messages.send(gina.chat_user, SECRET)
    make_guest(chat, "Ida")
    change(chat, gina, sent)
    newest = Event.objects.filter(chat=chat).latest("seq")
    (hint,) = log_reader.events_at([Place(chat.pk, newest.seq)]).values()
    assert hint.changes_earlier
    place = Place(chat.pk, sent["seq"])
    assert not log_reader.events_at([place])[place].changes_earlier


# --- The attack, on a server ---


@pytest.mark.parametrize("change", ["delete", "edit"])
@pytest.mark.parametrize("how", ["header", "query", "poll", "all"])
def test_who_joins_after_a_change_reads_no_old_text(live, change, how):
    chat = live.chat()
    agent = live.ask("POST", f"/api/chats/{chat}/users", {}, live.alice)["token"]
    newcomer = live.account(f"{change}-{how}@acme.test")
    with live.stream(chat, live.alice) as keeper, live.stream(None, live.alice) as member:
        before = live.head(chat)
        seq = live.say(chat, agent, SECRET)
        while logged(keeper).data["seq"] != seq:
            pass
        message = live.ask("GET", f"/api/chats/{chat}/messages", token=agent)["data"][0]["id"]
        path = f"/api/chats/{chat}/messages/{message}"
        if change == "delete":
            live.ask("DELETE", path, token=agent)
        else:
            live.ask("PUT", path, {"text": "the new wording"}, agent)
        logged(keeper), logged(member)
        _, gina = live.guest(chat, "Gina")
        if how == "poll":
            page = live.ask("GET", f"/api/chats/{chat}/events?after={before}&wait=5", token=gina)
            texts = [str(event["data"]) for event in page["data"]]
        elif how == "all":
            email = f"{change}-{how}@acme.test"
            place = Position.at(datetime.now(UTC) - timedelta(minutes=1))
            live.installation.manage("add_member", str(live.acme), email)
            with live.stream(None, newcomer, last_event_id=str(place)) as stream:
                last = live.say(chat, gina, "the last")
                texts = [""]
                while (event := logged(stream)).data["data"].get("seq") != last:
                    texts.append(str(event.data["data"]))
        else:
            places = {"header": {"last_event_id": before}, "query": {"after": before}}
            with live.stream(chat, gina, **places[how]) as stream:
                texts = [str(logged(stream).data["data"]) for _ in range(3)]
    assert len(texts) >= 3
    assert not any(SECRET in text for text in texts)
