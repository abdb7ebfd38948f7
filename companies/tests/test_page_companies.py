"""/companies: one's own, a new one, settings, deletion."""

import pytest
from django.test import Client

from companies.actions.members import add_member
from companies.models import Company, Role

PATH = "/companies/acme"
FORM = {
    "name": "Acme",
    "slug": "acme",
    "logo_url": "",
    "verify_first_join": "on",
    "edit_window_minutes": "15",
    "chat_user_token_days": "30",
    "allowed_origins": "",
    "timezone": "",
    "closed_text": "",
}


@pytest.fixture
def browser():
    def of(person):
        client = Client()
        client.force_login(person.user)
        return client

    return of


def test_one_sees_ones_own(browser, alice, bob, charlie):
    for person, role in ((alice, "Owner"), (bob, "Agent")):
        text = browser(person).get("/companies").content.decode()
        assert "Acme" in text
        assert role in text
        assert "Outside" not in text
    assert "Acme" not in browser(charlie).get("/companies").content.decode()


def test_a_new_company(browser, charlie):
    answer = browser(charlie).post("/companies/new", {"name": "Müller & Söhne"})
    assert answer["Location"] == "/companies/muller-sohne"
    assert Company.objects.get(slug="muller-sohne").memberships.get().role == Role.OWNER
    wrong = browser(charlie).post("/companies/new", {"name": "x" * 201})
    assert 'id="id_name_error"' in wrong.content.decode()


@pytest.mark.parametrize("path", [PATH, f"{PATH}/delete", f"{PATH}/members", f"{PATH}/nothing"])
def test_an_outsider_is_told_nothing(browser, acme, charlie, path):
    for method in ("get", "post"):
        answer = getattr(browser(charlie), method)(path, FORM)
        assert answer.status_code == 404
        assert "Not found" in answer.content.decode()
    assert browser(charlie).get("/companies/none").status_code == 404


def test_who_is_not_logged_in_is_asked_to(acme):
    for path in ("/companies", "/companies/new", PATH, f"{PATH}/members", f"{PATH}/delete"):
        assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_what_a_manager_changes(browser, acme, mary):
    form = FORM | {
        "name": "Acme <b>Travel</b>",
        "logo_url": "https://acme.test/logo.png",
        "verify_first_join": "",
        "edit_window_minutes": "5",
        "chat_user_token_days": "7",
        "allowed_origins": "https://Acme.test/\r\n\r\nhttp://localhost:3000",
        "limited": "on",
        "timezone": "Europe/Berlin",
        "monday": "9-12, 13:30-17",
        "friday": "9:00\u201315:00",
        "closed_text": "Back on Monday.",
    }
    answer = browser(mary).post(PATH, form, follow=True)
    assert answer.redirect_chain == [(PATH, 302)]
    acme.refresh_from_db()
    assert acme.verify_first_join is False
    assert (acme.edit_window_minutes, acme.chat_user_token_days) == (5, 7)
    assert acme.allowed_origins == ["https://acme.test", "http://localhost:3000"]
    assert acme.opening_hours == {
        "timezone": "Europe/Berlin",
        "monday": [["09:00", "12:00"], ["13:30", "17:00"]],
        "friday": [["09:00", "15:00"]],
    }
    text = answer.content.decode()
    assert "09:00-12:00, 13:30-17:00" in text
    assert "<b>Travel" not in text
    browser(mary).post(PATH, form | {"limited": ""})
    acme.refresh_from_db()
    assert acme.opening_hours == {}


def test_what_is_wrong_stays_and_is_said_beside_its_field(browser, acme, mary, charlie):
    wrong = {
        "slug": "outside",
        "logo_url": "javascript:x",
        "edit_window_minutes": "many",
        "allowed_origins": "https://a.test/path",
        "limited": "on",
        "monday": "all day",
        "tuesday": "17-9",
    }
    text = browser(mary).post(PATH, FORM | wrong).content.decode()
    for name in ("logo_url", "edit_window_minutes", "allowed_origins", "timezone", "monday"):
        assert f'id="id_{name}_error"' in text, name
    for value in ("https://a.test/path", "all day", "17-9", "javascript:x"):
        assert value in text
    text = browser(mary).post(PATH, FORM | {"slug": "outside"}).content.decode()
    assert "This slug is already taken." in text
    assert 'data-company="acme"' in text.replace("&quot;", '"')
    acme.refresh_from_db()
    assert acme.slug == "acme"


def test_a_new_slug_is_where_one_goes_on(browser, acme, mary):
    assert browser(mary).post(PATH, FORM | {"slug": "acme-2"})["Location"] == "/companies/acme-2"
    assert browser(mary).get(PATH).status_code == 404


def test_an_agent_sees_and_does_not_change(browser, acme, bob):
    text = browser(bob).get(PATH).content.decode()
    assert "/start/acme" in text
    assert 'name="slug"' not in text
    assert browser(bob).post(PATH, FORM | {"name": "Bob's"}).status_code == 403
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_the_snippet_is_text(browser, acme, alice, settings):
    text = browser(alice).get(PATH).content.decode()
    snippet = f'<script src="{settings.PUBLIC_URL}/embed.js" data-company="acme" defer></script>'
    assert snippet not in text
    assert snippet in text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')


def test_only_an_owner_deletes_and_types_the_name(browser, acme, alice, mary, bob):
    for person in (mary, bob):
        assert browser(person).get(f"{PATH}/delete").status_code == 403
        assert browser(person).post(f"{PATH}/delete", {"name": "Acme"}).status_code == 403
    wrong = browser(alice).post(f"{PATH}/delete", {"name": "Acm"})
    assert "This does not match the company name." in wrong.content.decode().replace("&#x27;", "'")
    acme.refresh_from_db()
    assert acme.deleted_at is None
    assert browser(alice).post(f"{PATH}/delete", {"name": " acme "})["Location"] == "/companies"
    acme.refresh_from_db()
    assert acme.deleted_at is not None
    assert browser(alice).get(PATH).status_code == 404


def test_forms_from_elsewhere_are_refused(acme, alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    for path in ("/companies/new", PATH, f"{PATH}/delete", f"{PATH}/members"):
        assert client.post(path, FORM | {"email": "x@y.test"}).status_code == 403


def test_a_role_that_ended_opens_nothing(browser, acme, bob):
    client = browser(bob)
    assert client.get(PATH).status_code == 200
    acme.memberships.filter(user=bob.user).update(ended_at=acme.created_at)
    assert client.get(PATH).status_code == 404
    add_member(acme, "bob@acme.test", Role.AGENT)
    assert client.get(PATH).status_code == 200
