"""What passes: typing, reading and presence, told to who is there by a real server."""

import time
from urllib.parse import quote

import pytest

from chats.tests.live import passing


@pytest.fixture
def chat(live):
    return live.chat()


def test_typing_is_told_to_the_others(live, chat):
    gina, token = live.guest(chat)
    with live.stream(chat, live.alice, after=live.head(chat)) as stream:
        stream.attached()
        answer = live.ask("POST", f"/api/chats/{chat}/typing", {}, token)
        event = passing(stream, "typing")
        assert event.data["data"] == {"chat_user_id": gina, "expires_at": answer["expires_at"]}
        assert event.data["chat_id"] == chat
        live.ask("POST", f"/api/chats/{chat}/typing", {"typing": False}, token)
        stopped = passing(stream, "typing").data
        assert stopped["data"]["expires_at"] <= stopped["created_at"]


def test_reading_is_told_once_and_never_back(live, chat):
    gina, token = live.guest(chat)
    other = live.guest(chat)[1]
    seq = live.say(chat, other)
    with live.stream(chat, other, after=seq) as stream:
        stream.attached()
        for number in (seq, seq, 1):
            live.ask("PUT", f"/api/chats/{chat}/read", {"seq": number}, token)
        assert passing(stream, "read").data["data"] == {"chat_user_id": gina, "seq": seq}
        with pytest.raises(TimeoutError):
            passing(stream, "read", 1.5)


def users(event):
    return {user["id"]: user for user in event.data["data"]["users"]}


def test_who_is_connected_and_who_went(live, chat):
    gina, token = live.guest(chat)
    greta, other = live.guest(chat, "Greta")
    with live.stream(chat, token, after=live.head(chat)) as stream:
        assert gina in users(passing(stream, "presence"))
        with live.stream(chat, other, after=live.head(chat)) as second:
            # The new one is told who is here, the others who came.
            while not {gina, greta} <= set(users(passing(second, "presence"))):
                pass
            while greta not in (here := users(passing(stream, "presence"))):
                pass
            assert here[greta] == {"id": greta, "online": True, "last_seen_at": None}
        went = time.monotonic()
        while (seen := users(passing(stream, "presence", 10))).get(greta, {}).get("online", True):
            pass
        assert time.monotonic() - went > 4  # who comes back at once never went
        assert seen[greta]["last_seen_at"]
    shown = live.ask("GET", f"/api/chats/{chat}/users/{greta}", token=live.alice)
    assert shown["last_seen_at"] == seen[greta]["last_seen_at"]


def test_who_comes_back_at_once_never_went(live, chat):
    greta, other = live.guest(chat, "Greta")
    with live.stream(chat, live.alice, after=live.head(chat)) as stream:
        for _ in range(2):
            with live.stream(chat, other, after=live.head(chat)):
                time.sleep(1.5)
        with live.stream(chat, other, after=live.head(chat)):
            time.sleep(6)
            assert not stream.ended
    told = [event for event in stream.events if event.type == "presence"]
    assert all(users(event)[greta]["online"] for event in told if greta in users(event))


def test_a_member_is_connected_to_the_chats_that_they_have_open(live, chat):
    """One stream of all chats serves a client with several open."""
    gina, token = live.guest(chat)
    other, elsewhere = live.chat(), live.chat(live.company())
    agent = live.ask("POST", f"/api/chats/{chat}/users", None, live.alice)["id"]
    query = f"?present_in={chat},{other},{elsewhere},999999"
    with live.stream(chat, token, after=live.head(chat)) as guest:
        assert gina in users(passing(guest, "presence"))
        with live.stream(None, live.alice, query) as stream:
            told = {}
            while set(told) != {chat, other, elsewhere} or gina not in told[chat]:
                event = passing(stream, "presence")
                told.setdefault(event.data["chat_id"], {}).update(users(event))
            assert (told[other], told[elsewhere]) == ({}, {})  # nobody has joined these
            while agent not in (here := users(passing(guest, "presence"))):
                pass
            assert here[agent]["online"]
        while (here := users(passing(guest, "presence", 10))).get(agent, {}).get("online", True):
            pass
    assert here[agent]["last_seen_at"]


def test_nobody_hears_who_is_connected_to_a_chat_of_others(live, chat):
    live.guest(chat)
    outsider = live.account("charlie@other.test")
    with (
        live.stream(chat, live.guest(chat)[1]),
        live.stream(None, outsider, f"?present_in={chat}") as stream,
        pytest.raises(TimeoutError),
    ):
        passing(stream, "presence", 3)


@pytest.mark.parametrize("wrong", ["x", "1,,2", "0", "1, 2", ",".join(map(str, range(1, 22)))])
def test_what_is_no_list_of_chats_is_refused(live, wrong):
    path = f"/api/events?present_in={quote(wrong)}"
    for accept in ("application/json", "text/event-stream"):
        answer = live.installation.call("GET", path, None, live.alice, Accept=accept)
        assert answer.status == 422, accept
        assert list(answer.body["errors"]) == ["present_in"]
