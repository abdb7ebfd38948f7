"""What strangers send is read in linear time."""

import io
import time

import pytest

from chatapi.wsgi import application

LENGTH = 60_000


def seconds(action):
    """Processor time of this thread, the least of three: other work on the machine adds to it."""

    def once():
        begun = time.thread_time()
        action()
        return time.thread_time() - begun

    return min(once() for _ in range(3))


def answer(path, body=b"{}", **environ):
    """The status of the application as it is served, for a POST."""
    statuses = []
    sent = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        **environ,
    }
    content = b"".join(application(sent, lambda status, headers: statuses.append(status)))
    return int(statuses[0][:3]), content


@pytest.mark.parametrize("start", ["", "application/json", 'text/html;a="', "multipart/form-data"])
@pytest.mark.parametrize("filling", [";", "a;", ";=", "a=b;", ';"', '";', "\\;", "a*0=b;", " ;"])
def test_a_long_media_type_is_not_parsed(acme, start, filling):
    def ask():
        media_type = start + filling * (LENGTH // len(filling))
        status, content = answer("/api/companies/acme/start-chat", CONTENT_TYPE=media_type)
        assert status == 422
        assert b'"unsupported_media_type"' in content

    ask()
    assert seconds(ask) < 0.2  # it was up to 5


def test_media_types_of_programs_are_as_they_were(acme):
    boundary = "x" * 70
    for media_type, body in {
        "application/json": b"{}",
        "application/json; charset=utf-8": b"{}",
        f'multipart/form-data; boundary="{boundary}"': f"--{boundary}--\r\n".encode(),
        "application/x-www-form-urlencoded": b"",
    }.items():
        status, content = answer("/api/companies/acme/start-chat", body, CONTENT_TYPE=media_type)
        assert status == 422
        assert b'"validation_failed"' in content


@pytest.mark.parametrize("filling", ["\u00e4.", "\u00e4", "a.", ":", "[", "@", "/", "\u3002"])
def test_a_long_origin_is_refused_unread(mary, filling):
    def ask():
        origin = "https://" + filling * 150_000
        answer = mary.api.put("/api/companies/acme", {"allowed_origins": [origin]})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["allowed_origins.0"]
        assert len(answer.content) < 1000

    ask()
    assert seconds(ask) < 0.3
