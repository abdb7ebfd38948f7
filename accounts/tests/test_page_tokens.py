"""/account/tokens"""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.actions.tokens import issue_token, revoke_token
from accounts.models import ApiToken

PATH = "/account/tokens"
FORM = {"name": "My program", "scopes": ["read"], "days": 30}


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice.user)
    return client


def test_a_token_is_made_and_shown_once(browser, alice, anonymous):
    answer = browser.post(PATH, FORM)
    plain = re.search(r"cnp_\w{38}", answer.content.decode())[0]
    assert "no-store" in answer["Cache-Control"]
    token = ApiToken.objects.get(name="My program")
    assert token.scopes == "read"
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {plain}")
    assert anonymous.get("/api/user").status_code == 200
    assert anonymous.post("/api/companies", {"name": "X"}).status_code == 403
    again = browser.get(PATH).content.decode()
    assert plain not in again
    assert "My program" in again
    assert plain not in str([row.get_decoded() for row in Session.objects.all()])


@pytest.mark.parametrize(
    ("field", "value"),
    [("days", 0), ("days", 3651), ("scopes", []), ("scopes", ["admin"]), ("name", "x" * 101)],
)
def test_what_is_wrong_is_said_beside_the_field(browser, field, value):
    before = ApiToken.objects.count()
    text = browser.post(PATH, FORM | {field: value}).content.decode()
    assert f'id="id_{field}_error"' in text
    assert re.search(rf'aria-describedby="[^"]*id_{field}_error"', text)
    assert ApiToken.objects.count() == before


def test_the_password_is_asked_for_before(alice):
    alice.user.set_password("correct horse battery")
    alice.user.save()
    client = Client()
    client.force_login(alice.user)
    answer = client.post(PATH, FORM)
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccount%2Ftokens"
    assert not ApiToken.objects.filter(name="My program").exists()
    wrong = client.post(answer["Location"], {"password": "wrong", "next": PATH})
    assert "Incorrect password" in wrong.content.decode()
    done = client.post(answer["Location"], {"password": "correct horse battery", "next": PATH})
    assert re.search(r"cnp_\w{38}", done.content.decode())


def test_states_and_uses(browser, alice):
    for name in ("used", "old", "gone"):
        token, _ = issue_token(alice.user, name)
        if name == "used":
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        elif name == "old":
            ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
        else:
            revoke_token(token)
    browser.post("/account/browser-token")
    browser.post("/account/browser-token")
    rows = {row["token"].name: row for row in browser.get(PATH).context["rows"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "": "live",
        "used": "live",
        "old": "expired",
        "gone": "revoked",
        "Browser": "live",
    }
    assert rows["Browser"]["of_browser"]
    text = browser.get(PATH).content.decode()
    assert text.count("This website, in a browser") == 1
    assert "Last used" in text
    assert "Never used" in text


def test_revoking(browser, alice, charlie):
    token = ApiToken.objects.get(user=alice.user)
    assert browser.get(f"{PATH}/{token.pk}/revoke").status_code == 200
    assert alice.api.get("/api/user").status_code == 200
    assert browser.post(f"{PATH}/{token.pk}/revoke")["Location"] == PATH
    assert alice.api.get("/api/user").status_code == 401
    assert browser.post(f"{PATH}/{token.pk}/revoke").status_code == 404
    others = ApiToken.objects.get(user=charlie.user)
    assert browser.get(f"{PATH}/{others.pk}/revoke").status_code == 404
    assert browser.post(f"{PATH}/{others.pk}/revoke").status_code == 404
    assert charlie.api.get("/api/user").status_code == 200


def test_forms_from_elsewhere_are_refused(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    token = ApiToken.objects.get(user=alice.user)
    assert client.post(PATH, FORM).status_code == 403
    assert client.post(f"{PATH}/{token.pk}/revoke").status_code == 403
