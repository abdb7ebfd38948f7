"""GET /api/chats/{id}/events as an event stream, from a real server."""

import os
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from chatapi.tests.installation import wait_for
from chats.tests.live import Live, logged


@pytest.fixture
def chat(live):
    return live.chat()


@pytest.fixture
def gina(live, chat):
    return live.guest(chat)


def test_what_was_and_then_what_happens(live, chat, gina):
    _, token = gina
    live.say(chat, token, "before")
    with live.stream(chat, token) as stream:
        assert stream.status == 200
        assert [logged(stream).type for _ in range(3)] == [
            "chat.created",
            "user.joined",
            "message.created",
        ]
        live.say(chat, token, "after")
        event = logged(stream)
    assert event.id == "4"
    assert event.data["data"]["text"] == "after"
    # The same as in the page of events.
    page = live.ask("GET", f"/api/chats/{chat}/events", token=token)
    assert [each.data for each in stream.events if each.id] == page["data"]


def test_its_headers_keep_it_from_being_held_back(live, chat, gina):
    with live.stream(chat, gina[1]) as stream:
        headers = stream.headers
        logged(stream)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["access-control-allow-origin"] == "*"
    assert len(headers["x-request-id"]) == 32
    assert headers["x-ratelimit-limit"] == "10000"
    assert int(headers["x-ratelimit-remaining"]) > 9000
    assert 1000 <= stream.incoming.retries[0] <= 3000


def test_a_member_reads_it_too(live, chat):
    with live.stream(chat, live.alice) as stream:
        assert logged(stream).type == "chat.created"


@pytest.mark.parametrize("how", ["header", "query", "both"])
def test_it_goes_on_after_an_event(live, chat, gina, how):
    _, token = gina
    last = live.say(chat, token)
    places = {
        "header": {"last_event_id": last},
        "query": {"after": last},
        "both": {"last_event_id": last, "after": 0},
    }
    with live.stream(chat, token, **places[how]) as stream:
        seq = live.say(chat, token)
        assert logged(stream).id == str(seq)


def test_what_comes_after_the_end_is_told_of_when_it_is_there(live, chat, gina):
    """An id that no event has yet, as after an old backup: it begins at the newest."""
    with live.stream(chat, gina[1], after=10**6) as stream:
        stream.attached()
        seq = live.say(chat, gina[1])
        assert logged(stream).id == str(seq)


def test_a_long_log_comes_whole(live, chat, gina):
    for number in range(450):
        live.say(chat, gina[1], str(number))
    with live.stream(chat, gina[1]) as stream:
        assert [logged(stream).id for _ in range(452)] == [str(n) for n in range(1, 453)]


def test_many_writers_and_readers_in_one_order(live, chat, gina):
    from concurrent.futures import ThreadPoolExecutor

    with live.stream(chat, gina[1]) as first, live.stream(chat, live.alice) as second:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: live.say(chat, gina[1], str(n)), range(40)))
        for stream in (first, second):
            assert [logged(stream).id for _ in range(42)] == [str(n) for n in range(1, 43)]


# --- Who may have one ---


def test_a_token_in_the_query_for_event_source(live, chat, gina):
    with live.stream(chat, None, f"?chat_user_token={gina[1]}") as stream:
        assert logged(stream).id == "1"


def test_only_for_streams_and_only_a_chat_users(live, chat, gina):
    page = live.installation.call("GET", f"/api/chats/{chat}/events?chat_user_token={gina[1]}")
    assert page.status == 401
    with live.stream(chat, None, f"?chat_user_token={live.alice}") as stream:
        assert stream.status == 401


def test_it_stands_in_no_log(live, chat, gina):
    with live.stream(chat, None, f"?chat_user_token={gina[1]}") as stream:
        logged(stream)
    with live.stream(chat + 1, None, f"?chat_user_token={gina[1]}") as stream:
        assert stream.status == 403
    assert gina[1] not in (live.installation.folder / "web.log").read_text()


def test_who_may_not_hears_why(live, chat, gina):
    hugo = live.guest(live.chat())[1]
    charlie = live.account("charlie@elsewhere.test")
    for token, status, code in (
        (None, 401, "not_authenticated"),
        ("nonsense", 401, "invalid_token"),
        (gina[1][:-1], 401, "invalid_token"),
        (hugo, 403, "other_chat"),
        (charlie, 404, "not_found"),
    ):
        with live.stream(chat, token) as stream:
            assert (stream.status, stream.body["code"]) == (status, code), token
            assert stream.headers["content-type"] == "application/json"
    reads = live.installation.manage("issue_token", "alice@acme.test", "--scopes", "write").strip()
    with live.stream(chat, reads) as stream:
        assert (stream.status, stream.body["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("place", ["x", "-1", "1.5", "9" * 30])
def test_a_wrong_place_is_422(live, chat, gina, place):
    with live.stream(chat, gina[1], f"?after={place}") as stream:
        assert stream.status == 422
        assert "after" in stream.body["errors"]


@pytest.mark.parametrize(
    ("query", "header", "first"),
    [
        ("", "2", "3"),
        ("?lastEventId=2", None, "3"),
        ("?lastEventId=1", "2", "3"),
        ("?after=1&lastEventId=2", None, "3"),
        ("?after=2", "x", "3"),
        ("?after=2", "9" * 30, "3"),
        ("?lastEventId=x", None, "1"),
        ("?lastEventId=-1", "1.5", "1"),
        ("", "\u00fcx", "1"),
        ("?lastEventId=2", "undefined", "3"),
        ("?lastEventId=", "null", "1"),
    ],
)
def test_what_a_client_has_kept(live, chat, gina, query, header, first):
    """A place is taken, and what is none is passed over: a client would give up for good."""
    live.say(chat, gina[1], "the third")
    with live.stream(chat, gina[1], query, last_event_id=header) as stream:
        assert stream.status == 200
        assert logged(stream).id == first


@pytest.mark.parametrize("kept", ["x", "1.5", "undefined"])
def test_what_a_client_of_all_chats_has_kept(live, kept):
    token = live.account("kept@elsewhere.test")
    for query, header in ((f"?lastEventId={kept}", None), ("", kept)):
        with live.stream(None, token, query, last_event_id=header) as stream:
            assert stream.status == 200


def test_a_token_has_so_many_at_once(live, chat, gina, settings):
    with ExitStack() as stack:
        for _ in range(settings.STREAMS_PER_TOKEN):
            assert stack.enter_context(live.stream(chat, gina[1])).status == 200
        further = stack.enter_context(live.stream(chat, gina[1]))
        assert (further.status, further.body["code"]) == (429, "rate_limited")
        assert int(further.headers["retry-after"]) > 0
    assert wait_for(lambda: opens(live, chat, gina[1]))  # as soon as one has gone


def opens(live, chat, token):
    with live.stream(chat, token) as stream:
        return stream.status == 200


# --- When it ends ---


def after_bye(stream, seconds=5):
    """What the stream says last, and when it is over."""
    began = time.monotonic()
    events = stream.until_end(20)
    assert stream.incoming.ended
    assert time.monotonic() - began < seconds
    return events[-1]


ENDS = {
    "she leaves": (
        401,
        lambda live, chat, gina: live.ask(
            "DELETE", f"/api/chats/{chat}/users/{gina[0]}", token=gina[1]
        ),
    ),
    "she is removed": (
        401,
        lambda live, chat, gina: live.ask(
            "DELETE", f"/api/chats/{chat}/users/{gina[0]}", token=live.alice
        ),
    ),
    "she is banned": (
        401,
        lambda live, chat, gina: live.ask(
            "PUT", f"/api/chats/{chat}/users/{gina[0]}", {"status": "banned"}, live.alice
        ),
    ),
    "the chat is deleted": (
        401,
        lambda live, chat, gina: live.ask("DELETE", f"/api/chats/{chat}", token=live.alice),
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_guests_stream_ends_when(live, chat, gina, how):
    status, end = ENDS[how]
    with live.stream(chat, gina[1], after=live.head(chat)) as stream:
        stream.attached()
        end(live, chat, gina)
        last = after_bye(stream)
    assert (last.type, last.data["code"]) == ("bye", "invalid_token")
    with live.stream(chat, gina[1]) as stream:
        assert stream.status == status


def test_others_go_on(live, chat, gina):
    other = live.guest(chat, "Greta")
    with live.stream(chat, other[1], after=live.head(chat)) as stream:
        live.ask("DELETE", f"/api/chats/{chat}/users/{gina[0]}", token=live.alice)
        assert logged(stream).type == "user.removed"
        live.say(chat, other[1])
        assert logged(stream).type == "message.created"


def test_a_members_stream_ends_with_the_token(live, chat):
    token = live.account("mary@acme.test")
    live.installation.manage("add_member", str(live.acme), "mary@acme.test", "--role", "manager")
    with live.stream(chat, token) as stream:
        logged(stream)
        live.installation.manage("revoke_token", token)
        assert after_bye(stream).type == "bye"
    with live.stream(chat, token) as stream:
        assert stream.status == 401


def test_a_members_and_an_agents_streams_end_with_the_membership(live, chat):
    token = live.account("bob@acme.test")
    bob = live.installation.manage("add_member", str(live.acme), "bob@acme.test").strip()
    agent = live.ask("POST", f"/api/chats/{chat}/users", {}, token)["token"]
    with live.stream(chat, token) as as_member, live.stream(chat, agent) as as_agent:
        logged(as_member), logged(as_agent)
        live.ask("DELETE", f"/api/companies/{live.acme}/users/{bob}", token=live.alice)
        assert after_bye(as_member).type == after_bye(as_agent).type == "bye"
    with live.stream(chat, token) as stream:
        assert stream.status == 404
    with live.stream(chat, agent) as stream:
        assert stream.status == 401


def test_it_ends_when_the_company_is_deleted(live):
    company = live.company()
    chat = live.chat(company)
    with live.stream(chat, live.alice) as stream:
        logged(stream)
        live.ask("DELETE", f"/api/companies/{company}", token=live.alice)
        assert after_bye(stream).type == "bye"


def test_it_ends_when_the_token_expires(live, chat, gina):
    soon = datetime.now(UTC) + timedelta(seconds=5)
    live.installation.manage(
        "shell",
        "--no-imports",
        "-c",
        "from chats.models import ChatUserToken;"
        f"ChatUserToken.objects.filter(chat_user={gina[0]}).update(expires_at='{soon:%F %T}Z')",
    )
    with live.stream(chat, gina[1]) as stream:
        assert stream.status == 200
        assert after_bye(stream, seconds=10).type == "bye"
    with live.stream(chat, gina[1]) as stream:
        assert stream.status == 401


def test_who_does_not_read_is_cut_off_and_others_do_not_notice(live, chat, gina):
    head = live.head(chat)
    with live.stream(chat, live.alice, after=head, receive_bytes=4096) as stuck:
        assert stuck.status == 200
        with live.stream(chat, gina[1], after=head) as reader:
            sent = []
            for _ in range(20):
                seqs = [live.say(chat, gina[1], "x" * 10_000) for _ in range(20)]
                assert [logged(reader).id for _ in seqs] == list(map(str, seqs))
                sent += seqs
        events = stuck.until_end(10)
        assert stuck.cut
        assert not stuck.incoming.ended
    assert len(events) < len(sent)
    # By the id of its last one it has the rest.
    had = [event for event in stuck.events if event.id]
    last = had[-1].id if had else head
    with live.stream(chat, live.alice, last_event_id=last) as again:
        assert [logged(again).id for _ in sent[len(had) :]] == list(map(str, sent[len(had) :]))


def test_who_goes_away_costs_nothing_more(live, chat, gina):
    with live.stream(chat, gina[1]) as stream:
        logged(stream)
    for _ in range(5):
        live.say(chat, gina[1])
    assert opens(live, chat, gina[1])


@pytest.mark.slow
def test_a_server_that_stops_sends_all_away_at_once(tmp_path):
    live = Live(tmp_path)
    try:
        chat = live.chat()
        _, token = live.guest(chat)
        with live.stream(chat, token) as one, live.stream(None, live.alice) as other:
            logged(one)
            other.attached()
            os.kill(live.installation.processes["web"].pid, signal.SIGTERM)
            began = time.monotonic()
            one.until_end(5), other.until_end(5)
            assert time.monotonic() - began < 1
            for stream in (one, other):
                assert stream.incoming.ended
                assert 500 <= stream.incoming.retries[-1] <= 5000
                assert len(stream.incoming.retries) == 2
    finally:
        live.close()
