"""GET /api/events: what happens in all chats of an account, as a page and as a stream."""

import time

import pytest

from chats.tests.live import Live, logged, passing


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("all"))
    yield live
    live.close()


def test_all_chats_and_those_that_come(live):
    old = live.chat()
    _, token = live.guest(old)
    time.sleep(2.5)  # what is as young as that may be told of
    with live.stream(None, live.alice) as stream:
        assert stream.status == 200
        stream.attached()
        live.say(old, token, "in an old one")
        event = logged(stream)
        assert (event.type, event.data["chat_id"]) == ("message.created", old)
        new = live.chat()
        assert (logged(stream).data["chat_id"], new) == (new, new)
        live.ask("PUT", f"/api/chats/{new}", {"name": "New"}, live.alice)
        assert logged(stream).type == "chat.updated"
    # The stream sent nothing from before it was opened.
    assert {event.data["type"] for event in stream.events if event.id} <= {
        "message.created",
        "chat.created",
        "chat.updated",
    }


def test_others_see_nothing_of_it(live):
    charlie = live.account("charlie@elsewhere.test")
    with live.stream(None, charlie) as stream:
        assert stream.status == 200
        live.chat()
        with pytest.raises(TimeoutError):
            stream.next(2)


def test_it_goes_on_after_an_event_at_least_once(live):
    chat = live.chat()
    _, token = live.guest(chat)
    with live.stream(None, live.alice) as stream:
        stream.attached()
        first = live.say(chat, token)
        last = logged(stream).id
    missed = [live.say(chat, token) for _ in range(3)]
    with live.stream(None, live.alice, last_event_id=last) as stream:
        missed.append(live.say(chat, token))
        had = set()
        while not {first, *missed} <= had:
            event = logged(stream)
            if event.data["chat_id"] == chat:
                had.add(event.data["seq"])
    ids = {event.id: event.data for event in stream.events if event.id}
    page = live.ask("GET", f"/api/events?after={last}&limit=500", token=live.alice)
    # An event has the same id in both, so that doubles are known.
    assert {each["id"] for each in page["data"] if each["chat_id"] == chat} <= set(ids)


def heard(stream):
    """The next event of the log; None when none comes."""
    try:
        return logged(stream, 2)
    except TimeoutError:
        return None


def test_a_membership_that_comes_and_goes(live):
    bob = live.account("bob@acme.test")
    company = live.company()
    with live.stream(None, bob) as stream:
        stream.attached()
        live.chat(company)
        with pytest.raises(TimeoutError):
            logged(stream, 1)
        path = f"/api/companies/{company}/users"
        member = live.installation.manage("add_member", str(company), "bob@acme.test").strip()
        chats: list[int] = []
        while not chats or (event := heard(stream)) is None or event.data["chat_id"] not in chats:
            chats.append(live.chat(company))
        live.ask("DELETE", f"{path}/{member}", token=live.alice)
        live.chat(company)
        while heard(stream):  # until the end of the membership has got about
            live.chat(company)
        assert not stream.ended


def test_what_passes_is_told_too(live):
    chat = live.chat()
    gina, token = live.guest(chat)
    with live.stream(None, live.alice) as stream:
        stream.attached()
        live.ask("POST", f"/api/chats/{chat}/typing", {}, token)
        event = passing(stream, "typing")
    assert (event.data["chat_id"], event.data["data"]["chat_user_id"]) == (chat, gina)


def test_it_ends_with_the_token(live):
    token = live.account("alice@acme.test")
    with live.stream(None, token) as stream:
        stream.attached()
        live.installation.manage("revoke_token", token)
        assert stream.until_end(6)[-1].type == "bye"
    with live.stream(None, token) as stream:
        assert stream.status == 401


def test_not_for_a_guest(live):
    token = live.guest(live.chat())[1]
    with live.stream(None, token) as stream:
        assert stream.status == 401
    with live.stream(None, None, f"?chat_user_token={token}") as stream:
        assert stream.status == 401


@pytest.mark.parametrize("place", ["x", "1_2_3", "2021-07-05T09:31:38.000000Z_a_1", "_1_1"])
def test_a_wrong_place_is_422(live, place):
    with live.stream(None, live.alice, f"?after={place}") as stream:
        assert stream.status == 422
        assert "after" in stream.body["errors"]


def test_pages_go_on_from_one_to_the_next(live):
    begin = live.ask("GET", "/api/events", token=live.alice)
    assert begin["data"] == []
    chat = live.chat()
    _, token = live.guest(chat)
    sent = [live.say(chat, token) for _ in range(5)]
    had, last_id = [], begin["last_id"]
    for _ in range(50):
        page = live.ask("GET", f"/api/events?after={last_id}&limit=3", token=live.alice)
        had += [each["id"] for each in page["data"] if each["chat_id"] == chat]
        last_id = page["last_id"]
        if len(page["data"]) < 3:
            break
    assert len(had) == len(set(had)) == 2 + len(sent)
    assert had[-1].endswith(f"_{chat}_{sent[-1]}")
    # The last one is told of again, and what may have been late; nothing is left out.
    again = live.ask("GET", f"/api/events?after={last_id}&limit=500", token=live.alice)
    assert set(had) <= {each["id"] for each in again["data"]}
