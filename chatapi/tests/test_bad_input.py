"""Whatever comes in, the answer is one of the documented ones, in the documented shape."""

import pytest
from django.urls import path as url_path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chats.models import Event, Message
from conftest import Client

DOCUMENTED = {200, 201, 202, 401, 403, 404, 405, 422, 429}


def post(caller, path, raw, content_type="application/json", **headers):
    return caller.api.generic("POST", path, raw, content_type=content_type, headers=headers)


@pytest.fixture
def path(chat):
    return f"/api/chats/{chat.pk}/messages"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed_body"),
        (b"[]", "malformed_body"),
        (b"null", "malformed_body"),
        (b'"text"', "malformed_body"),
        (b"\xff\xfe", "malformed_body"),
        (b'{"text": "\\ud800"}', "malformed_body"),
        (b'{"text": "\xed\xa0\x80"}', "malformed_body"),
        (b"[" * 100_000, "malformed_body"),
        (b'{"text":' + b"[" * 1100, "malformed_body"),
        (b'{"text": NaN}', "malformed_body"),
        (b'{"text": "a\\u0000b"}', "validation_failed"),
        (b"", "validation_failed"),
        (b"{}", "validation_failed"),
        (b'{"Text": "x"}', "validation_failed"),
        (b'{"text": {"a": 1}}', "validation_failed"),
        (b'{"text": ' + b"9" * 400 + b"}", None),
        (b'{"text": "' + b"x" * 10_000_000 + b'"}', "body_too_large"),
    ],
)
def test_a_body_that_is_none(gina, path, raw, code, error_of):
    before = Event.objects.count()
    answer = post(gina, path, raw)
    if code is None:
        assert answer.status_code in DOCUMENTED
        return
    assert answer.status_code == 422
    assert error_of(answer) == code
    assert Event.objects.count() == before


def test_of_a_key_sent_twice_the_last_one_counts(gina, path):
    answer = post(gina, path, b'{"text": "one", "text": "two"}')
    assert answer.json()["text"] == "two"


@pytest.mark.parametrize("media", ["text/xml", "text/plain", "application/octet-stream", "x", "é"])
def test_a_wrong_media_type(gina, path, media, error_of):
    answer = post(gina, path, b"<text/>", media)
    assert answer.status_code == 422
    assert error_of(answer) == "unsupported_media_type"


def test_forms_are_taken_as_well(gina, path):
    form = post(gina, path, b"text=Hello+there", "application/x-www-form-urlencoded")
    assert form.json()["text"] == "Hello there"
    multipart = gina.api.post(path, {"text": "Hello"}, format="multipart")
    assert multipart.json()["text"] == "Hello"


def test_a_multipart_body_that_is_too_large_or_none(gina, path):
    large = gina.api.post(path, {"text": "x" * 2_000_000}, format="multipart")
    assert large.status_code == 422
    assert post(gina, path, b"x", "multipart/form-data").status_code == 422
    assert post(gina, path, b"x", "multipart/form-data; boundary=\xff").status_code == 422


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0", "x", ""])
def test_json_whatever_accept_says(gina, path, accept):
    answer = gina.api.get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Basic x", "Bearer cnp_é", "cnp_x", "Bearer a b", "\x00", "é"]
)
def test_an_authorization_header_that_is_none(chat, value, error_of):
    answer = Client().get(f"/api/chats/{chat.pk}", headers={"Authorization": value})
    assert answer.status_code == 401
    assert error_of(answer) == "invalid_token"


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/nope",
        "/api/chats/",
        "/api/user/",
        "/api/chats//users",
        "/api/chats/1/users/",
        "/api/%00",
        "/api/chats/%F0%9F%98%80/x",
    ],
)
def test_what_is_not_there_is_404_and_never_a_redirect(db, path, error_of):
    answer = Client().get(path)
    assert answer.status_code == 404
    assert error_of(answer) == "not_found"


@pytest.mark.parametrize("method", ["delete", "put", "patch", "options", "trace"])
def test_a_method_that_is_none(db, method, error_of):
    answer = getattr(Client(), method)("/api/user")
    assert answer.status_code == 405
    assert error_of(answer) == "method_not_allowed"
    assert answer["Allow"] == "GET, HEAD"


def test_a_host_that_is_not_ours(db, error_of):
    answer = Client().get("/api/user", headers={"Host": "evil.example"})
    assert answer.status_code == 422
    assert "ALLOWED_HOSTS" in answer.json()["message"]
    assert error_of(answer) == "bad_request"


@pytest.mark.parametrize("host", ["evil.example", "e_vil", "a b", "localhost:port"])
@pytest.mark.parametrize("path", ["/", "/api/user", "/admin/", "/api/events"])
def test_a_wrong_host_is_answered_without_a_word_in_the_log(db, capsys, host, path):
    assert Client().get(path, headers={"Host": host}).status_code in {400, 422}
    assert capsys.readouterr().err == ""


def boom(request):
    raise RuntimeError("a secret of the inside")


urlpatterns = [url_path("api/boom", boom)]


@pytest.mark.urls(__name__)
def test_a_bug_is_a_500_without_its_inside(db, error_of, caplog):
    client = Client()
    client.raise_request_exception = False
    answer = client.get("/api/boom")
    assert answer.status_code == 500
    assert error_of(answer) == "server_error"
    assert b"inside" not in answer.content
    assert "a secret of the inside" in caplog.text


def test_a_request_id_is_taken_when_it_is_one(alice):
    given = alice.api.get("/api/user", headers={"X-Request-ID": "abc-12345"})
    assert given["X-Request-ID"] == "abc-12345"
    refused = alice.api.get("/api/user", headers={"X-Request-ID": "bad id\x00"})
    assert refused["X-Request-ID"] != "bad id\x00"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=8,
)
ROUTES = {
    "POST /api/companies": ["name", "slug", "logo_url", "edit_window_minutes"],
    "POST /api/companies/acme/users": ["email", "role"],
    "POST /api/companies/acme/start-chat": ["first_name", "last_name", "email", "message"],
    "POST /api/chats": ["company_id", "name", "password", "external_id", "metadata"],
    "PUT /api/chats/{chat}": ["name", "status", "password", "metadata", "external_id"],
    "POST /api/chats/{chat}/users": ["email", "first_name"],
    "POST /api/chats/{chat}/users/get-token": ["email", "auth-code", "auth_code"],
    "POST /api/chats/{chat}/share": ["rotate"],
}


@pytest.mark.parametrize("route", ROUTES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_json_in_any_field(route, data, acme, chat, alice, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = {name: Rate.parse("9999/s") for name in settings.LIMITS}
    method, path = route.format(chat=chat.pk).split()
    body = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(ROUTES[route], JSON)))
    answer = alice.api.generic(method, path, dumps(body), content_type="application/json")
    assert answer.status_code in DOCUMENTED, answer.content
    assert answer["Content-Type"] == "application/json"
    assert not Message.objects.filter(text="").exists()


def dumps(body):
    import json

    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "body", [b'\xef\xbb\xbf{"text": "Hello"}', b'\xef\xbb\xbf  {"text": "Hello"}\n']
)
def test_a_byte_order_mark_is_no_part_of_the_json(gina, chat, body):
    path = f"/api/chats/{chat.pk}/messages"
    answer = gina.api.post(path, body, content_type="application/json; charset=utf-8")
    assert answer.status_code == 201
    assert answer.json()["text"] == "Hello"
    empty = gina.api.post(path, b"\xef\xbb\xbf", content_type="application/json")
    assert "text" in empty.json()["errors"]


@pytest.mark.parametrize(
    "headers",
    [
        "authorization, content-type",
        "cache-control, pragma",
        "x-requested-with",
        "traceparent, tracestate, baggage, sentry-trace",
        "idempotency-key, last-event-id",
    ],
)
@pytest.mark.parametrize("path", ["/api/user", "/api/chats/1/events"])
def test_a_browser_may_send_the_usual_headers_from_anywhere(db, path, headers):
    answer = Client().options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": headers,
        },
    )
    allowed = {each.strip() for each in answer["Access-Control-Allow-Headers"].split(",")}
    assert set(headers.split(", ")) <= allowed
    assert answer["Access-Control-Allow-Origin"] == "*"
