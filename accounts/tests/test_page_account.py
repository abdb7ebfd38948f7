"""/account"""

from django.test import Client


def test_the_account(client, alice):
    client.force_login(alice.user)
    page = client.get("/account").content.decode()
    assert "alice@acme.test" in page
    assert client.post("/account", {"first_name": " Ada ", "last_name": ""}).status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.name == "Ada"


def test_a_name_that_is_too_long_stays_in_the_form(client, alice):
    client.force_login(alice.user)
    answer = client.post("/account", {"first_name": "x" * 101, "last_name": "Lee"})
    text = answer.content.decode()
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="id_first_name_error"' in text
    assert 'value="Lee"' in text


def test_only_for_who_is_logged_in(db):
    for path in ("/account", "/account/tokens", "/account/tokens/1/revoke"):
        assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_a_name_is_text(client, alice):
    client.force_login(alice.user)
    client.post("/account", {"first_name": "<script>alert(1)</script>", "last_name": ""})
    assert b"<script>alert" not in client.get("/account").content
