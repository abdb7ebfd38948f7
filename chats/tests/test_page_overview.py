"""/companies/{slug}/overview"""

from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import expect

from chatapi.tests.browser import Person, Site, assert_accessible, enter, shot
from chats.actions import messages
from chats.website.overview import ceiling, duration_text

PATH = "/companies/acme/overview"


def logged_in(person):
    client = Client()
    client.force_login(person.user)
    return client


def test_managers_see_what_was_counted(mary, gina, chat):
    messages.send(gina.chat_user, "Hello")
    page = logged_in(mary).get(PATH).content.decode()
    assert "1 in total" in page
    assert "<svg" in page
    assert logged_in(mary).get(f"{PATH}?days=365").status_code == 200
    assert logged_in(mary).get(f"{PATH}?days=nonsense").status_code == 200


def test_agents_and_outsiders_do_not(bob, charlie, acme):
    assert logged_in(bob).get(PATH).status_code == 403
    assert logged_in(charlie).get(PATH).status_code == 404
    assert Client().get(PATH).status_code == 302


@pytest.mark.parametrize("value", [0, 1, 2, 3, 7, 10, 11, 99, 100, 101, 12_345])
def test_an_axis_ends_above_its_highest_bar(value):
    top = ceiling(value)
    assert value <= top <= max(2, value * 3)
    assert top % 2 == 0


def test_times_as_people_say_them():
    told = [duration_text(each) for each in (None, 1, 61, 300, 7200, 200_000)]
    assert told == ["", "1 second", "61 seconds", "5 minutes", "2 hours", "2 days"]


@pytest.mark.browser
def test_the_plots_in_a_browser(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Counted")
    gina = site.guest(chat)
    for _ in range(7):
        site.ask("POST", f"/api/chats/{chat['id']}/messages", {"text": "Hello"}, gina)
    page = person().page()
    enter(site, page, "alice@acme.test")
    page.goto(PATH)
    expect(page.get_by_role("img", name="Messages")).to_be_visible()
    for summary in page.get_by_text("Show as table").all():
        summary.click()
    expect(page.get_by_role("table")).to_have_count(3)
    assert_accessible(page)
    shot(page, "overview")
