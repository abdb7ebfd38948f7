"""A guest's page: the way in, the conversation, the way out, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot

pytestmark = pytest.mark.browser
REFUSED = r"the server responded with a status of 4\d\d"


def join(page: Page, site: Site, chat: dict[str, Any], first_name: str = "Gina") -> str:
    """Go in by the link, as a guest who reads their mail; the address."""
    email = f"{first_name.lower()}-{chat['id']}@guest.test"
    page.goto(chat["url"])
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill("Guest")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Type in the 6-digit code sent to you"
    )
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code(email))
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    return email


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def test_two_guests_converse(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Tulips")
    gina, hugo = person().page(), person(viewport=PHONE).page()
    join(gina, site, chat, "Gina")
    assert "#" not in gina.url
    join(hugo, site, chat, "Hugo")
    say(gina, "Do you have tulips?")
    expect(hugo.locator(".message", has_text="Do you have tulips?")).to_be_visible()
    expect(gina.get_by_text("Read", exact=True)).to_be_visible()
    hugo.get_by_label("Message", exact=True).press_sequentially("Red ones")
    expect(gina.get_by_text("Hugo Guest is typing …")).to_be_visible()
    hugo.keyboard.press("Enter")
    expect(gina.locator(".message", has_text="Red ones")).to_be_visible()
    expect(gina.get_by_text("Hugo Guest is typing …")).not_to_be_visible()
    shot(gina, "chat-desktop")
    shot(hugo, "chat-phone")
    assert_accessible(gina)
    gina.emulate_media(color_scheme="dark")
    shot(gina, "chat-dark")
