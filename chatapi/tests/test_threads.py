"""WSGI behind ASGI: what goes in and comes out of a thread."""

import asyncio
import threading

import pytest

from chatapi.server.wsgi_bridge import WSGIBridge


def ask(app, content=b"", headers=(), **scope):
    """What is sent for a request."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message):
        sent.append(message)

    whole = {
        "type": "http",
        "method": "POST",
        "path": "/a b/ü",
        "query_string": b"x=1",
        "http_version": "1.1",
        "headers": list(headers),
        "server": ("10.0.0.1", 8000),
        "client": ("10.0.0.2", 4711),
        "scheme": "https",
        **scope,
    }
    asyncio.run(WSGIBridge(app, threads=1)(whole, receive, send))
    return sent


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
