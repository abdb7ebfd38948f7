"""The pages of visitors as the server gives them: alike for all, framed where a company allows."""

import pytest

CHAT = "/chats/{}"


def policy(answer) -> dict[str, str]:
    directives = answer["Content-Security-Policy"].split("; ")
    return dict(each.split(" ", 1) for each in directives)


def test_the_page_of_a_chat_tells_nothing_of_it(client, chat):
    there = client.get(CHAT.format(chat.pk))
    nowhere = client.get(CHAT.format(chat.pk + 1000))
    assert there.status_code == nowhere.status_code == 200
    number = f'data-chat="{chat.pk}"'.encode()
    assert number in there.content
    other = f'data-chat="{chat.pk + 1000}"'.encode()
    assert there.content.replace(number, other) == nowhere.content
    assert chat.name.encode() not in there.content
    assert not there.cookies
    assert not nowhere.cookies


@pytest.mark.parametrize("path", ["/chats/1", "/start/acme", "/embed/acme", "/embed.js"])
def test_no_cookie_and_a_strict_policy(client, acme, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert not answer.cookies
    found = policy(answer)
    assert found["default-src"] == "'none'"
    assert found["script-src"] == "'self'"
    assert found["frame-ancestors"] == "'none'"
    assert b"<script>" not in answer.content
    assert b" style=" not in answer.content


def test_a_panel_is_framed_by_the_companys_websites_alone(client, acme, alice):
    origins = ["https://acme.test", "https://www.acme.test:8443"]
    body = {"allowed_origins": origins}
    assert alice.api.put(f"/api/companies/{acme.pk}", body).status_code == 200
    assert policy(client.get("/embed/acme"))["frame-ancestors"] == " ".join(origins)
    for path in ("/start/acme", "/chats/1", "/inbox"):
        assert policy(client.get(path))["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("path", ["/start/nobody", "/embed/nobody", "/start/%00"])
def test_no_such_company(client, db, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_a_deleted_company_starts_nothing(client, acme, alice):
    assert alice.api.delete(f"/api/companies/{acme.pk}").status_code in {200, 204}
    assert client.get("/start/acme").status_code == 404


def test_a_name_is_text(client, acme, alice):
    name = '"><script>alert(1)</script>'
    assert alice.api.put(f"/api/companies/{acme.pk}", {"name": name}).status_code == 200
    content = client.get("/start/acme").content
    assert b"<script>alert" not in content
    assert b"&lt;script&gt;alert" in content


def test_the_script_of_the_button_may_be_loaded_from_anywhere(client):
    answer = client.get("/embed.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "max-age" in answer["Cache-Control"]
    assert b"data-company" in answer.content


@pytest.mark.parametrize("path", ["/chats/1", "/start/acme", "/embed/acme", "/embed.js"])
def test_pages_are_only_read(client, acme, path):
    assert client.post(path).status_code == 405


def test_the_language_is_the_readers(client):
    german = client.get("/chats/1", HTTP_ACCEPT_LANGUAGE="de-AT")
    assert b'<html lang="de" dir="ltr">' in german.content
    assert b"/catalog/de.js" in german.content
    asked = client.get("/chats/1?lang=en", HTTP_ACCEPT_LANGUAGE="de")
    assert b'<html lang="en"' in asked.content


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *[(tag, "de") for tag in ("de", "DE", "de-AT", "DE-at", "de_CH", "de-Latn-DE", "de-x-own")],
        *[(tag, "en") for tag in ("en", "EN-GB", "en_US")],
        # Not spoken here: what the browser accepts.
        *[(tag, "de") for tag in ("", "fr", "den", "deu", "d", "-", "\0", "de\0", "é", "x" * 600)],
    ],
)
def test_a_language_is_asked_for_by_any_tag(client, tag, language):
    answer = client.get("/chats/1", {"lang": tag}, HTTP_ACCEPT_LANGUAGE="de")
    assert f'<html lang="{language}"' in answer.content.decode()
    assert answer["Content-Language"] == language
