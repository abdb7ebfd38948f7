"""The members' log in streams and long polls, from a real server."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapi.tests.installation import Redis, wait_for
from chats.tests.live import Live, logged

SECRET = "Gina pays late."


@pytest.fixture
def chat(live):
    return live.chat()


@pytest.fixture
def gina(live, chat):
    return live.guest(chat)[1]


def ids(stream, number):
    return [logged(stream).id for _ in range(number)]


def test_a_member_gets_both_logs_in_order(live, chat, gina):
    live.note(chat, "First")
    live.say(chat, gina)
    with live.stream(chat, live.alice) as stream:
        assert ids(stream, 4) == ["1", "2", "2.m1", "3.m1"]
        live.note(chat, "Second")
        live.note(chat, "Third")
        live.say(chat, gina)
        live.note(chat, "Fourth")
        assert ids(stream, 4) == ["3.m2", "3.m3", "4.m3", "4.m4"]
    (second,) = [event for event in stream.events if event.id == "3.m2"]
    assert second.type == "note.created"
    assert second.data["data"]["text"] == "Second"
    # The same as in the page of events.
    page = live.ask("GET", f"/api/chats/{chat}/events", token=live.alice)
    assert [each.data for each in stream.events if each.id] == page["data"]


@pytest.mark.parametrize("how", ["header", "query"])
def test_it_goes_on_after_each_event(live, chat, gina, how):
    live.note(chat)
    live.say(chat, gina)
    live.note(chat)
    live.note(chat)
    every = ["1", "2", "2.m1", "3.m1", "3.m2", "3.m3"]
    for index, last in enumerate(tuple(every)):
        place = {"last_event_id": last} if how == "header" else {"after": last}
        with live.stream(chat, live.alice, **place) as stream:
            live.note(chat)
            every.append(f"3.m{len(every) - 2}")
            assert ids(stream, len(every) - index - 1) == every[index + 1 :], last


def test_a_seq_alone_begins_with_the_notes_after_that_event(live, chat, gina):
    live.note(chat)
    live.say(chat, gina)
    live.note(chat)
    for after, expected in ((0, "1"), (1, "2"), (2, "2.m1"), (3, "3.m2")):
        with live.stream(chat, live.alice, after=after) as stream:
            assert logged(stream).id == expected


def test_a_position_after_the_end_begins_at_the_end(live, chat, gina):
    live.note(chat)
    with live.stream(chat, live.alice, after="900.m70") as stream:
        stream.attached()
        live.say(chat, gina)
        assert logged(stream).id == "3.m1"


def test_an_edit_reaches_all_and_a_deleted_text_nobody(live, chat):
    with live.stream(chat, live.alice) as stream:
        live.note(chat, SECRET)
        assert ids(stream, 2) == ["1", "1.m1"]
        (note,) = live.ask("GET", f"/api/chats/{chat}/notes", token=live.alice)["data"]
        path = f"/api/chats/{chat}/notes/{note['id']}"
        live.ask("PUT", path, {"text": "Gina pays."}, live.alice)
        assert logged(stream).data["data"]["text"] == "Gina pays."
        live.ask("DELETE", path, token=live.alice)
        assert logged(stream).data["data"]["text"] is None
    with live.stream(chat, live.alice) as late:
        assert ids(late, 4) == ["1", "1.m1", "1.m2", "1.m3"]
    assert not any("Gina" in str(event.data) for event in late.events)


def test_all_chats_of_a_member(live, chat, gina):
    with live.stream(None, live.alice) as stream:
        stream.attached()
        live.note(chat, "First")
        first = logged(stream)
        while first.data is None or first.data.get("chat_id") != chat:
            first = logged(stream)
        live.say(chat, gina)
        live.note(chat, "Second")
        found = [logged(stream) for _ in range(2)]
    assert first.id.endswith(f"_{chat}_2.m1")
    assert [event.id.rpartition("_")[2] for event in found] == ["3", "3.m2"]
    with live.stream(None, live.alice, last_event_id=first.id) as stream:
        again = []
        while not again or again[-1] != found[-1].id:
            again.append(logged(stream).id)
        assert found[0].id in again


def test_neither_a_guest_nor_an_agents_chat_user_gets_anything(live, chat, gina):
    agent = live.ask("POST", f"/api/chats/{chat}/users", {}, live.alice)["token"]
    with live.stream(chat, gina) as stream, live.stream(chat, agent) as of_agent:
        for number in range(3):
            live.note(chat, SECRET)
            seq = live.say(chat, gina, f"{number}")
        for each in (stream, of_agent):
            assert ids(each, seq) == [str(n) for n in range(1, seq + 1)]
            assert not any(event.type.startswith("note") for event in each.events)
            assert SECRET not in str([event.data for event in each.events])
    # The form of a member's id is as wrong as any other.
    with live.stream(chat, gina, after="1.m1") as stream:
        assert stream.status == 422
    with live.stream(chat, gina, last_event_id="1.m1") as stream:
        assert logged(stream).id == "1"


def poll(live, chat, token, query):
    return live.installation.call("GET", f"/api/chats/{chat}/events?{query}", token=token).body


def test_a_long_poll_of_a_member_ends_with_a_note(live, chat, gina):
    live.note(chat)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(poll, live, chat, live.alice, "after=2.m1&wait=20")
        with live.stream(chat, gina) as stream:  # so that it surely waits by now
            stream.attached()
        live.note(chat, "Second")
        page = waiting.result(10)
    assert [event["data"]["text"] for event in page["data"]] == ["Second"]
    assert (page["last_seq"], page["last_member_seq"], page["last_id"]) == (2, 2, "2.m2")


def test_a_long_poll_with_a_seq_alone_is_not_answered_again_and_again(live, chat, gina):
    live.note(chat)
    assert poll(live, chat, live.alice, "after=2&wait=1")["data"] == []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(poll, live, chat, live.alice, "after=2&wait=20")
        with live.stream(chat, gina) as stream:
            stream.attached()
        seq = live.say(chat, gina)
        page = waiting.result(10)
    # Nothing is left out.
    assert [(event["seq"], event.get("member_seq")) for event in page["data"]] == [
        (2, 1),
        (seq, None),
    ]


def test_a_long_poll_of_a_guest_sleeps_through_notes(live, chat, gina):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(poll, live, chat, gina, "after=2&wait=2")
        with live.stream(chat, gina) as stream:
            stream.attached()
        live.note(chat, SECRET)
        assert waiting.result(10) == {"data": [], "last_seq": 2}


@pytest.mark.slow
def test_nothing_is_lost_or_repeated_while_redis_is_away(tmp_path):
    redis = Redis(tmp_path)
    live = Live(tmp_path, REDIS_URL=redis.url)
    try:
        chat = live.chat()
        gina = live.guest(chat)[1]
        with live.stream(chat, live.alice) as stream, live.stream(chat, gina) as of_guest:
            live.note(chat)
            live.say(chat, gina)
            assert ids(stream, 4) == ["1", "2", "2.m1", "3.m1"]
            redis.kill()
            live.note(chat)
            live.say(chat, gina)
            live.note(chat)
            assert ids(stream, 3) == ["3.m2", "4.m2", "4.m3"]
            redis.start()
            wait_for(lambda: "Redis is back" in log_of(live))
            live.note(chat)
            live.say(chat, gina)
            assert ids(stream, 2) == ["4.m4", "5.m4"]
            assert ids(of_guest, 5) == ["1", "2", "3", "4", "5"]
    finally:
        live.close()
        redis.kill()


def log_of(live):
    return (live.installation.folder / "web.log").read_text()
