"""What is made of a request before it occupies a thread."""

import asyncio
from types import SimpleNamespace

import pytest

from chatapi.api.policies import body_limit
from chatapi.server.body import BodyReader
from chatapi.server.hooks import CONNECTION
from chatapi.tests.large_urls import MAX_BYTES, SMALL_BYTES


def talk(app, messages, path="/api/user", headers=(), query=b"", extensions=None):
    """What `app` was handed and answered, for a request in these portions."""
    portions, sent = list(messages), []

    async def receive():
        return portions.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query,
        "headers": list(headers),
        "extensions": extensions or {},
    }
    asyncio.run(app(scope, receive, send))
    return sent


class Recorder:
    """An application that keeps what it was handed."""

    def __init__(self):
        self.scope = self.body = None

    async def __call__(self, scope, receive, send):
        self.scope, self.body = scope, (await receive())["body"]


class TestBodyReader:
    def test_portions_come_as_one_body_with_its_length(self):
        inner = Recorder()
        portions = [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "body": b"cd", "more_body": False},
        ]
        talk(
            BodyReader(inner, max_bytes=10), portions, headers=[(b"transfer-encoding", b"chunked")]
        )
        assert inner.body == b"abcd"
        assert inner.scope["headers"] == [(b"content-length", b"4")]

    def test_of_too_much_only_a_length_past_the_limit_is_passed_on(self):
        inner = Recorder()
        talk(
            BodyReader(inner, max_bytes=3),
            [{"type": "http.request", "body": b"abcdef", "more_body": True}],
            headers=[(b"transfer-encoding", b"chunked")],
        )
        assert inner.body == b""
        assert inner.scope["headers"] == [(b"content-length", b"4")]

    def test_what_is_announced_as_too_much_is_not_read(self):
        inner = Recorder()
        talk(BodyReader(inner, max_bytes=3), [], headers=[(b"content-length", b"9999")])
        assert inner.body == b""
        assert inner.scope["headers"] == [(b"content-length", b"4")]

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ([(b"content-length", b"3")], None),
            ([(b"content-length", b"51200")], 100),
            ([(b"transfer-encoding", b"chunked")], 200),
        ],
    )
    def test_a_route_may_take_more_and_then_gives_more_time(self, settings, headers, seconds):
        settings.BODY_SECONDS, settings.UPLOAD_BYTES_PER_SECOND = 60, 512
        connection = SimpleNamespace(body_seconds=None)
        asked = []

        def limit(method, path, content_type):
            asked.append((method, path, content_type))
            return 102_400

        async def inner(scope, receive, send):
            assert (await receive())["body"] == b"abc"

        talk(
            BodyReader(inner, max_bytes=3, limit=limit),
            [{"type": "http.request", "body": b"abc", "more_body": False}],
            headers=[*headers, (b"content-type", b"text/plain")],
            extensions={CONNECTION: connection},
        )
        assert connection.body_seconds == seconds
        assert asked == ([("POST", "/api/user", "text/plain")] if seconds else [])

    def test_a_charset_is_not_passed_on(self):
        """Django would decode the query string by it, or fail to."""
        inner = Recorder()
        talk(
            BodyReader(inner, max_bytes=3),
            [{"type": "http.request", "body": b"", "more_body": False}],
            headers=[(b"content-type", b"multipart/form-data; charset=rot13; boundary=x")],
        )
        assert inner.scope["headers"][0] == (b"content-type", b"multipart/form-data; boundary=x")

    def test_who_goes_away_costs_nothing(self):
        inner = Recorder()
        talk(BodyReader(inner, max_bytes=3), [{"type": "http.disconnect"}])
        assert inner.scope is None

    def test_underscored_headers_and_raw_bytes_do_not_pass(self):
        inner = Recorder()
        talk(
            BodyReader(inner, max_bytes=3),
            [{"type": "http.request", "body": b"", "more_body": False}],
            headers=[(b"x_forwarded_for", b"1.2.3.4"), (b"x-forwarded-for", b"5.6.7.8")],
            query=b"q=\xff&a=%20b",
        )
        assert (b"x_forwarded_for", b"1.2.3.4") not in inner.scope["headers"]
        assert (b"x-forwarded-for", b"5.6.7.8") in inner.scope["headers"]
        assert inner.scope["query_string"] == b"q=%FF&a=%20b"


@pytest.mark.urls("chatapi.tests.large_urls")
@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/api/test/uploads", MAX_BYTES),
        ("PUT", "/api/test/uploads", SMALL_BYTES),
        ("PATCH", "/api/test/uploads", None),
        ("POST", "/api/chats", None),
        ("POST", "/api/schema", None),
        ("POST", "/test/counts", None),
        ("POST", "/nowhere", None),
        ("OPTIONS", "*", None),
    ],
)
def test_the_limit_of_a_body_is_in_the_policy_of_its_action(settings, method, path, limit):
    multipart = body_limit(method, path, "Multipart/form-data; boundary=x")
    assert multipart == (limit or settings.MAX_BODY_BYTES)
    assert body_limit(method, path, "application/json") == settings.MAX_BODY_BYTES
