"""The server away, the network away: nothing that was typed is lost, and all comes once."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from chatapi.tests.browser import Person, Site, shot
from chats.tests.guests import AWAY, REFUSED, field, held_request, join, message, say

pytestmark = pytest.mark.browser


def test_the_server_is_away_for_ten_seconds(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    people = [person(), person()]
    for each in people:
        each.allow(AWAY)
    gina, hugo = (each.page() for each in people)
    join(gina, site, chat)
    join(hugo, site, chat, "Hugo")
    say(gina, "Before")
    expect(message(hugo, "Before")).to_be_visible()
    site.installation.kill("web")
    try:
        for number in range(3):
            say(gina, f"Gina {number}")
            say(hugo, f"Hugo {number}")
        expect(gina.get_by_text("Not sent yet").first).to_be_visible()
        expect(gina.get_by_text("Reconnecting …")).to_be_visible()
        field(gina).press_sequentially("And a draft")
        shot(gina, "chat-away")
        hugo.reload(wait_until="commit")  # the shell stands in for the page, which is away too
        expect(hugo.get_by_role("heading", level=1)).to_have_text("No connection")
        time.sleep(10)
    finally:
        site.installation.start("web")
    texts = ["Before", *(f"{name} {number}" for name in ("Gina", "Hugo") for number in range(3))]
    for page in (gina, hugo):
        for text in texts:
            expect(message(page, text)).to_have_count(1, timeout=60_000)
        expect(page.get_by_text("Reconnecting …")).not_to_be_visible(timeout=60_000)
        expect(page.locator(".pending .message")).to_have_count(0)
    expect(field(gina)).to_have_value("And a draft")
    path = f"/api/chats/{chat['id']}/messages?per_page=100"
    kept = [each["text"] for each in site.ask("GET", path, token=site.alice)["data"]]
    assert sorted(kept) == sorted(texts)
    for name in ("Gina", "Hugo"):  # in the order of writing
        assert [text for text in kept[::-1] if name in text] == [f"{name} {n}" for n in range(3)]
    say(gina, "And on")
    expect(message(hugo, "And on")).to_be_visible()


def test_offline_and_back(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(AWAY)
    page = gina.page()
    join(page, site, chat)
    gina.context.set_offline(True)
    say(page, "Written on the train")
    expect(
        page.get_by_text("You are offline. Your messages will be sent once you are back online.")
    ).to_be_visible()
    waiting = page.locator(".pending .message")
    expect(waiting).to_contain_text("Not sent yet")
    say(page, "Never mind")
    page.locator(".pending .message", has_text="Never mind").get_by_role(
        "button", name="Discard"
    ).click()
    expect(waiting).to_have_count(1)
    gina.context.set_offline(False)
    expect(message(page, "Written on the train")).to_be_visible(timeout=20_000)
    expect(waiting).to_have_count(0)


def test_what_was_refused_can_be_tried_again(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    join(page, site, chat)
    path = f"/api/chats/{chat['id']}"
    held: list[Route] = []
    page.route("**/messages", lambda route: held.append(route))
    say(page, "Too late")
    expect(page.get_by_text("Sending …")).to_be_visible()
    site.ask("PUT", path, {"status": "closed"}, site.alice)
    held_request(page, held).continue_()
    item = page.locator(".pending .message", has_text="Too late")
    expect(item).to_contain_text("This chat is closed.")
    page.unroute_all()
    site.ask("PUT", path, {"status": "open"}, site.alice)
    item.get_by_role("button", name="Try again").click()
    expect(message(page, "Too late")).to_have_count(1)
    expect(item).to_have_count(0)
