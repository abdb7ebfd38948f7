"""/companies/{slug}/replies"""

import pytest
from django.test import Client

from companies.actions import replies as actions
from companies.models import SavedReply

PATH = "/companies/acme/replies"


def logged_in(person):
    client = Client()
    client.force_login(person.user)
    return client


@pytest.fixture
def reply(acme):
    return actions.create_reply(acme, title="Opening hours", text="From 9 to 17.")


def test_a_manager_adds_changes_and_deletes(mary, acme):
    client = logged_in(mary)
    assert client.post(PATH, {"title": "Returns", "text": "30 days"}).status_code == 302
    reply = SavedReply.objects.get(title="Returns")
    assert "30 days" in client.get(f"{PATH}/{reply.pk}").content.decode()
    client.post(f"{PATH}/{reply.pk}", {"title": "Returns", "text": "60 days"})
    assert "60 days" in client.get(PATH).content.decode()
    client.post(f"{PATH}/{reply.pk}", {"delete": "yes"})
    assert not SavedReply.objects.exists()


def test_what_was_typed_stays_when_the_title_is_taken(mary, reply):
    answer = logged_in(mary).post(PATH, {"title": "Opening hours", "text": "New text"})
    assert answer.status_code == 200
    assert "This title is already taken." in answer.content.decode()
    assert "New text" in answer.content.decode()


def test_an_agent_reads(bob, reply):
    client = logged_in(bob)
    page = client.get(PATH).content.decode()
    assert "From 9 to 17." in page
    assert "New saved reply" not in page
    assert client.post(PATH, {"title": "T", "text": "x"}).status_code == 403
    assert client.get(f"{PATH}/{reply.pk}").status_code == 403


def test_an_outsider_finds_nothing(charlie, reply):
    assert logged_in(charlie).get(PATH).status_code == 404
    assert Client().get(PATH).status_code == 302


def test_a_title_that_another_reply_has_is_said(mary, acme, reply):
    other = actions.create_reply(acme, title="Returns", text="30 days")
    answer = logged_in(mary).post(f"{PATH}/{other.pk}", {"title": reply.title, "text": "60 days"})
    assert "This title is already taken." in answer.content.decode()
    other.refresh_from_db()
    assert (other.title, other.text) == ("Returns", "30 days")


def test_what_has_no_text_is_not_saved(mary, acme):
    page = logged_in(mary).post(PATH, {"title": "Returns", "text": ""})
    assert "This field is required." in page.content.decode()
    assert not SavedReply.objects.exists()
