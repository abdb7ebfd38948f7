"""WSGI behind ASGI: what goes in and comes out of a thread."""

import asyncio
import threading
from contextlib import nullcontext
from io import BytesIO

import pytest

from chatapi.server import wsgi_bridge
from chatapi.server.hooks import BODY_FILE
from chatapi.server.turns import large_turn
from chatapi.server.wsgi_bridge import WSGIBridge
from chatapi.tests.installation import wait_for

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/a b/ü",
    "query_string": b"x=1",
    "http_version": "1.1",
    "headers": [],
    "server": ("10.0.0.1", 8000),
    "client": ("10.0.0.2", 4711),
    "scheme": "https",
}


def ask(app, content=b"", headers=(), disconnect_after=None, **scope):
    """What is sent for a request, whose client may disconnect after so many messages."""
    sent = []
    gone = asyncio.Event()

    requests = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive():
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) == disconnect_after:
            gone.set()

    whole = {**SCOPE, "headers": list(headers), **scope}
    asyncio.run(WSGIBridge(app, threads=1)(whole, receive, send))
    return sent


@pytest.mark.parametrize("waits_for_storage", [False, True])
def test_large_bodies_are_handled_one_at_a_time_unless_they_wait(waits_for_storage):
    count = wsgi_bridge.LARGE_THREADS
    together = threading.Barrier(count, timeout=10 if waits_for_storage else 0.05)
    running, most = [], []

    def app(environ, start_response):
        running.append(environ)
        most.append(len(running))
        try:
            with large_turn.given_up() if waits_for_storage else nullcontext():
                together.wait()
        except threading.BrokenBarrierError:
            assert not waits_for_storage
        finally:
            running.remove(environ)
        start_response("200 OK", [])
        return []

    bridge = WSGIBridge(app, threads=1)

    async def one():
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", BODY_FILE: BytesIO()}

        async def send(message):
            sent.append(message)

        await bridge(SCOPE, receive, send)
        return sent[0]["status"]

    async def all_at_once():
        return await asyncio.gather(*[one() for _ in range(count)])

    assert asyncio.run(all_at_once()) == [200] * count
    assert max(most) == (count if waits_for_storage else 1)


def test_a_request_as_wsgi_has_it():
    seen = {}

    def app(environ, start_response):
        seen.update(environ, content=environ["wsgi.input"].read(), thread=threading.get_ident())
        start_response("200 OK", [])
        return []

    headers = [(b"content-type", b"text/x"), (b"x-twice", b"1"), (b"x-twice", b"2")]
    ask(app, b"body", [*headers, (b"content-length", b"4")])
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/a b/ü"
    assert (seen["REQUEST_METHOD"], seen["QUERY_STRING"]) == ("POST", "x=1")
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], seen["content"]) == (
        "text/x",
        "4",
        b"body",
    )
    assert seen["HTTP_X_TWICE"] == "1,2"
    assert (seen["REMOTE_ADDR"], seen["SERVER_NAME"], seen["SERVER_PORT"]) == (
        "10.0.0.2",
        "10.0.0.1",
        "8000",
    )
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["thread"] != threading.get_ident()


def test_an_answer_in_parts_comes_whole_and_is_closed():
    class Parts:
        closed = False

        def __iter__(self):
            yield b"two"
            yield b"three"

        def close(self):
            Parts.closed = True

    def app(environ, start_response):
        start_response("201 Created", [("X-Name", "välue")])(b"one")
        return Parts()

    start, body = ask(app)
    assert (start["status"], start["headers"]) == (201, [(b"x-name", "välue".encode("latin-1"))])
    assert body["body"] == b"onetwothree"
    assert Parts.closed


def test_what_fails_is_for_who_called():
    def app(environ, start_response):
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError):
        ask(app)


class Download(BytesIO):
    """A file that notes the threads that read and close it."""

    def __init__(self, size):
        super().__init__(bytes(size))
        self.readers, self.closers = [], []

    def read(self, size=-1, /):
        self.readers.append(thread_name())
        return super().read(size)

    def close(self):
        if not self.closed:
            self.closers.append(thread_name())
        super().close()


def thread_name():
    return threading.current_thread().name.partition("_")[0]


def serve(file):
    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](file)

    return app


def body_of(sent):
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(sent) - 2) + [
        False
    ]
    return b"".join(message["body"] for message in sent[1:])


class TestPieces:
    @pytest.fixture(autouse=True)
    def given_back(self, monkeypatch):
        """The threads that have given back their connections to the database."""
        given = []
        monkeypatch.setattr(
            wsgi_bridge, "close_old_connections", lambda: given.append(thread_name())
        )
        return given

    def test_a_small_file_is_sent_at_once_by_the_thread_of_the_view(self, given_back):
        file = Download(100_000)
        _, body = ask(serve(file))
        assert len(body["body"]) == 100_000
        assert set(file.readers) == {"web"}
        assert file.closers == ["web"]
        assert not given_back

    @pytest.mark.parametrize("size", [262_143, 262_144, 262_145, 1_000_000])
    def test_a_large_file_is_read_by_other_threads(self, given_back, size):
        file = Download(size)
        sent = ask(serve(file))
        wait_for(lambda: file.closers, 10)
        assert body_of(sent) == bytes(size)
        assert max(len(message["body"]) for message in sent[1:]) <= 262_144
        begun = size >= 262_144
        assert file.readers[0] == "web"
        assert set(file.readers[1:]) == {"files" if begun else "web"}
        assert file.closers == ["files" if begun else "web"]
        assert given_back == ["web"] * begun

    @pytest.mark.parametrize("size", [10, 1_000_000])
    def test_the_head_of_a_file(self, size):
        file = Download(size)
        sent = ask(serve(file), method="HEAD")
        assert body_of(sent) == b""
        assert (file.readers, file.closers) == ([], ["web"])

    def test_a_file_is_closed_when_its_client_disconnects(self):
        file = Download(10_000_000)
        sent = ask(serve(file), disconnect_after=3)
        wait_for(lambda: file.closers, 10)
        assert len(sent) < 6
        assert file.closers == ["files"]

    def test_an_iterator_runs_in_the_threads_of_views(self):
        parts = Iterated(100)
        sent = ask(parts)
        wait_for(lambda: parts.closers, 10)
        assert body_of(sent) == b"x" * 1_000_000
        assert {len(message["body"]) for message in sent[1:-2]} == {270_000}
        assert set(parts.callers) == {"web"}
        assert parts.closers == ["web"]

    def test_an_iterator_that_fails_midway_is_closed(self):
        parts = Iterated(100, RuntimeError("inside"))
        with pytest.raises(RuntimeError):
            ask(parts)
        wait_for(lambda: parts.closers, 10)

    def test_an_iterator_that_fails_early_is_closed_before_anything_is_sent(self):
        parts = Iterated(3, RuntimeError("inside"))
        with pytest.raises(RuntimeError):
            ask(parts)
        assert parts.closers == ["web"]


class Iterated:
    """A streaming application of so many parts, which may fail after them."""

    streaming = True

    def __init__(self, count, error=None):
        self.count, self.error = count, error
        self.callers, self.closers = [], []

    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return self

    def __iter__(self):
        for _ in range(self.count):
            self.callers.append(thread_name())
            yield b"x" * 10_000
        if self.error:
            raise self.error

    def close(self):
        self.closers.append(thread_name())
