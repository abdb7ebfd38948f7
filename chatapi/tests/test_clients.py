"""What clients may hold of a web process: raw sockets against a real one, without a proxy."""

import json
import time

import pytest

from chatapi.tests.clients import LOOK, Answered, Raw, Server
from chatapi.tests.installation import wait_for
from chats.tests.streaming import Incoming, Stream

LINES = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/chats/1/users/get-token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST += b"Content-Type: application/json\r\n"


def assert_refused(answer: Answered) -> None:
    assert answer.status == 422
    assert answer.headers["connection"] == "close"
    assert answer.headers["cache-control"] == "no-store, private"
    body = json.loads(answer.content)
    assert set(body) == {"message", "code", "request_id"}
    assert body["code"] == "bad_request"
    assert body["request_id"] == answer.headers["x-request-id"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("beginning", "portion"),
    [
        (LINES, b"X-Filler: " + b"x" * 1000 + b"\r\n"),
        (LINES, b"a:\r\n" * 16_384),
        (LINES + b"X-Filler: ", b"x" * 65_536),  # one value without end
        (LINES, b"x" * 65_536),  # one name without end
        (b"GET /", b"x" * 65_536),
        (b"GET /healthz?", b"wait=&" * 10_000),
        (b"", b"\r\n" * 32_768),
        (CHUNKED + b"2;", b"x" * 65_536),  # an extension without end
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: " + b"x" * 1000 + b"\r\n"),
        (CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: ", b"x" * 65_536),
        (CHUNKED, b"1\r\n \r\n" * 10_000),
    ],
    ids=[
        "lines",
        "tiny-lines",
        "value",
        "name",
        "url",
        "query",
        "line-ends",
        "extension",
        "trailers",
        "trailer",
        "tiny-chunks",
    ],
)
def test_200_mib_are_refused_early(server, beginning, portion):
    assert server.served()
    before = server.resident()
    sent = len(beginning)
    with server.connect() as raw:
        raw.send(beginning)
        while sent < 200 * 1024 * 1024 and raw.send(portion):
            sent += len(portion)
        assert server.resident() - before < 16 * 1024 * 1024
        assert_refused(raw.answer())
    assert sent < 16 * 1024 * 1024  # most of it in the system's buffers
    assert server.served()


@pytest.mark.parametrize(
    "head",
    [
        LINES + b"X-Filler: " + b"x" * 33_000 + b"\r\n\r\n",
        LINES + b"".join(b"X-%d: y\r\n" % number for number in range(100)) + b"\r\n",
        LINES + (b"X-Filler: " + b"x" * 700 + b"\r\n") * 50 + b"\r\n",
        b"GET /healthz?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
def test_a_whole_head_that_is_too_large(server, head):
    with server.connect() as raw:
        raw.send(head)
        assert_refused(raw.answer())
        assert raw.answer().status == 0


@pytest.mark.parametrize(
    "head",
    [
        LINES + b"X-Filler: " + b"x" * 32_000 + b"\r\n\r\n",
        LINES + b"".join(b"X-%d: y\r\n" % number for number in range(90)) + b"\r\n",
        b"GET /healthz?" + b"x" * 8000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
@pytest.mark.parametrize("portion", [64, 5000, 100_000])
def test_a_head_within_the_bounds(server, head, portion):
    with server.connect() as raw:
        for _ in range(2):
            for start in range(0, len(head), portion):
                raw.send(head[start : start + portion])
            assert raw.answer().status == 200


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding:",
        b"Transfer-Encoding: chunked,",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 5, 5",
        b"Content-Length: +5",
        b"Content-Length: -5",
        b"Content-Length : 5",
        b"Transfer-Encoding : chunked",
        b" Transfer-Encoding: chunked",
        b"X: y\r\n Transfer-Encoding: chunked",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5",
    ],
)
def test_a_body_whose_length_is_ambiguous(server, lines):
    with server.connect() as raw:
        raw.send(POST + lines + b"\r\n\r\n0\r\n\r\n" + LOOK)
        assert_refused(raw.answer())
        assert raw.answer().status == 0


def test_transfer_encoding_is_not_of_http_1_0(server):
    with server.connect() as raw:
        head = POST.replace(b"HTTP/1.1", b"HTTP/1.0")
        raw.send(head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert_refused(raw.answer())


@pytest.mark.parametrize("name", [b"chunked", b"Chunked", b" chunked "])
def test_chunks_are_taken(server, name):
    body = b'3;ext=1\r\n{"a\r\n6\r\n": ""}\r\n0\r\nX-Trailer: y\r\n\r\n'
    with server.connect() as raw:
        raw.send(POST + b"Transfer-Encoding:" + name + b"\r\n\r\n" + body + LOOK)
        answer = raw.answer()
        assert json.loads(answer.content)["code"] in {"validation_failed", "invalid_auth_code"}
        assert raw.answer().status == 200


def test_a_trailer_is_no_header(server):
    token = server.made["Token"].encode()
    head = b"POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    trailer = b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    with server.connect() as raw:
        raw.send(head + b"Content-Type: application/json\r\n\r\n" + trailer)
        assert raw.answer().status == 401


def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(server):
    upgrade = LOOK[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with server.connect() as raw:
        raw.send(upgrade + upgrade + LOOK)
        assert [raw.answer().status for _ in range(3)] == [200, 200, 200]


def test_idle_connections_and_halves_of_heads_end(server):
    begun = []
    for first in (b"", LOOK):
        for beginning in (b"", b"\r\n", b"G", LINES, LINES + b"X-Filler: x"):
            raw = server.connect()
            if first:
                raw.send(first)
                assert raw.answer().status == 200
            raw.send(beginning)
            begun.append(raw)
    began = time.monotonic()
    for raw in begun:
        raw.until_closed()
        raw.socket.close()
    assert 0.5 < time.monotonic() - began < 6


def test_a_dripping_head_ends(server):
    with server.connect() as raw:
        raw.send(LINES)
        began = time.monotonic()
        while raw.send(b"X-Drip: x\r\n"):
            assert time.monotonic() - began < 9
            time.sleep(0.2)


def drip(raw, drop, pause=0.2):
    """Send it over and over; the answer, and after how many seconds the server had enough."""
    began = time.monotonic()
    raw.socket.settimeout(pause)
    while True:
        assert time.monotonic() - began < 12
        raw.send(drop)
        try:
            return raw.answer(), time.monotonic() - began
        except TimeoutError:
            continue


def test_a_dripping_body_ends(server):
    with server.connect() as raw:
        raw.send(POST + b"Content-Length: 1000000\r\n\r\n")
        answer, seconds = drip(raw, b"x")
        assert_refused(answer)
        assert seconds < 8
    with server.connect() as raw:  # much of it at once is no licence to be slow afterwards
        raw.send(POST + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
        answer, seconds = drip(raw, b"x")
        assert_refused(answer)
        assert seconds < 8
    with server.connect() as raw:
        raw.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        answer, seconds = drip(raw, b"1\r\nx\r\n")
        assert_refused(answer)
        assert seconds < 8


def test_a_body_at_the_least_rate_ends_when_its_time_is_up(server):
    with server.connect() as raw:
        raw.send(POST + b"Content-Length: 1000000\r\n\r\n")
        answer, seconds = drip(raw, b"x" * 1000)
        assert_refused(answer)
        assert 2 < seconds < 9


def test_a_body_that_nobody_needs_is_read_for_a_while_only(server):
    with server.connect() as raw:
        raw.send(POST + b"Content-Length: 100000000\r\n\r\n" + b"x" * 1_100_000)
        answer = raw.answer()
        assert (answer.status, json.loads(answer.content)["code"]) == (422, "body_too_large")
        began = time.monotonic()
        while raw.send(b"x" * 100):
            assert time.monotonic() - began < 9
            time.sleep(0.1)


def test_an_answer_that_is_never_read_ends(server):
    """64 large answers, of which a client that reads nothing can take in a few."""
    token = server.made["Token"].encode()
    before = server.resident()
    path = b"GET /api/schema HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token
    with server.connect(receive_bytes=4096) as raw:
        raw.send((path + b"\r\n\r\n") * 64)
        time.sleep(5)
        assert server.resident() - before < 64 * 1024 * 1024
        # What was on its way is all that is left to read.
        answers = 0
        while raw.answer().status:
            answers += 1
        assert answers < 64


def test_a_slow_reader_gets_its_answer(server):
    with server.connect(receive_bytes=4096) as raw:
        raw.send(b"GET /api/schema HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        incoming = Incoming()
        while not incoming.ended:
            taken = raw.socket.recv(16_384)
            assert taken
            incoming.feed(taken)
            time.sleep(0.05)
        assert json.loads(incoming.content)["openapi"]


def test_many_connections_of_one_address_do_not_keep_others_out(server):
    many = [server.connect("127.0.0.2") for _ in range(100)]
    try:
        for number, raw in enumerate(many):
            raw.send((b"", LINES, LOOK, POST + b"Content-Length: 9\r\n\r\nx")[number % 4])
        assert server.served()
        assert server.served("127.0.0.2")
        open_still = 0
        for raw in many:
            raw.socket.settimeout(0.05)
            try:
                while raw.socket.recv(65_536):
                    pass
            except TimeoutError:
                open_still += 1
            except ConnectionError:
                pass
        assert open_still <= 20
    finally:
        for raw in many:
            raw.socket.close()


def test_many_addresses_do_not_keep_others_out(server):
    many = [server.connect(f"127.0.1.{number}") for number in range(1, 121)]
    try:
        for raw in many:
            raw.send(LINES)
        assert server.served()
        wait_for(lambda: sum(closed(raw) for raw in many) >= 70, 5)
        assert server.served()
    finally:
        for raw in many:
            raw.socket.close()


def closed(raw: Raw) -> bool:
    raw.socket.settimeout(0.01)
    try:
        return not raw.socket.recv(65_536)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_streams_and_long_polls_outlast_all_of_it(server):
    path = "/api/chats/1/events"
    made = server.call("POST", "/api/chats/1/users", {}, server.made["Token"])
    token = made.body["token"]
    seq = server.call("GET", f"{path}?after=999999", token=token).body["last_seq"]
    with Stream(f"http://127.0.0.1:{server.port}{path}", token, after=seq) as stream:
        with server.connect() as raw:
            raw.send(
                f"GET {path}?after={seq}&wait=4 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode()
            )
            many = [server.connect() for _ in range(30)]
            answer = raw.answer()
            for each in many:
                each.socket.close()
        assert json.loads(answer.content)["data"] == []
        sent = server.call("POST", "/api/chats/1/messages", {"text": "Still there?"}, token)
        assert sent.status == 201
        while (event := stream.next()).type != "message.created":
            pass
        assert event.data["data"]["id"] == sent.body["id"]


def test_keep_alive_and_pipelining_go_on(server):
    with server.connect() as raw:
        for _ in range(3):
            raw.send(LOOK)
            assert raw.answer().status == 200
            time.sleep(0.5)
        raw.send(LOOK * 1000)
        assert all(raw.answer().status == 200 for _ in range(1000))
        body = POST + b"Content-Length: 20000\r\n\r\n" + b" " * 20_000
        raw.send((body + LOOK) * 20)
        assert [raw.answer().status for _ in range(40)] == [422, 200] * 20


def test_what_is_wrong_behind_good_requests_is_answered_in_its_turn(server):
    path = "/api/chats/1/events?after=999999&wait=2"
    waiting = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {{}}\r\n\r\n"
    token = server.call("POST", "/api/chats/1/users", {}, server.made["Token"]).body["token"]
    for wrong in (b"nonsense\r\n\r\n", POST + b"Content-Length: x\r\n\r\n", CHUNKED + b"nonsense"):
        with server.connect() as raw:
            raw.send(waiting.format(token).encode() + LOOK + wrong)
            assert [raw.answer().status for _ in range(2)] == [200, 200]
            assert_refused(raw.answer())


class TestBehindAProxy:
    def test_its_connections_are_not_those_of_one_client(self, tmp_path):
        server = Server(tmp_path, NUM_PROXIES="1")
        try:
            many = [server.connect() for _ in range(40)]
            for raw in many:
                raw.send(LOOK)
            assert all(raw.answer().status == 200 for raw in many)
            for raw in many:
                raw.send(LOOK)
            assert all(raw.answer().status == 200 for raw in many)
            for raw in many:
                raw.socket.close()
        finally:
            server.close()
