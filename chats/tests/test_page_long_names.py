"""Names as long as they may be leave room for what matters, also at 400 % zoom."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import DESKTOP, PHONE, Person, Site, assert_accessible, enter, shot
from chats.tests.guests import field, introduce, message, prove, say

pytestmark = pytest.mark.browser

ZOOMED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %
LEAST = 64  # pixels of messages to read: some two lines
NAME = "N" * 190


@pytest.fixture
def long_chat(site: Site) -> dict[str, Any]:
    company = site.ask("POST", "/api/companies", {"name": "C" * 200}, site.alice)
    chat = site.chat(company_id=company["id"], name=f"{NAME}{company['id']:010}")
    return {**chat, "slug": company["slug"]}


def height(page: Page, selector: str) -> float:
    """How much of an element is within the viewport."""
    return float(
        page.locator(selector).evaluate(
            "node => { const { top, bottom } = node.getBoundingClientRect();"
            " return Math.min(bottom, innerHeight) - Math.max(top, 0); }"
        )
    )


def assert_room(page: Page, selector: str, name: str) -> None:
    for viewport in (ZOOMED, PHONE, DESKTOP):
        page.set_viewport_size(viewport)
        for colors in ("light", "dark"):
            page.emulate_media(color_scheme=colors)
            shot(page, f"long-{name}-{viewport['width']}-{colors}")
        page.locator(selector).scroll_into_view_if_needed()
        assert height(page, selector) >= LEAST, (name, viewport)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.emulate_media(color_scheme="light")


def test_a_guests_page(
    site: Site, person: Callable[..., Person], long_chat: dict[str, Any]
) -> None:
    page = person().page()
    page.goto(long_chat["url"])
    email = f"long-{long_chat['id']}@guest.test"
    introduce(page, email, "F" * 100, "L" * 100)
    page.get_by_role("button", name="Join the chat").click()
    prove(page, site, email)
    say(page, "Hello")
    expect(message(page, "Hello")).to_be_visible()
    assert_room(page, ".timeline", "guest")
    # The whole name is there for those who look for it.
    expect(page.locator(".chat-title [title]").first).to_have_attribute("title", "C" * 200)
    page.set_viewport_size(ZOOMED)
    page.get_by_role("button", name="People").click()
    assert height(page, ".beside") >= LEAST
    shot(page, "long-people-320")
    field(page).fill("line\n" * 30)
    assert height(page, ".timeline") >= LEAST / 2
    shot(page, "long-writing-320")


def test_the_start(site: Site, person: Callable[..., Person], long_chat: dict[str, Any]) -> None:
    page = person().page()
    page.goto(f"/start/{long_chat['slug']}")
    expect(page.get_by_label("First name")).to_be_visible()
    assert_room(page, ".step", "start")
    assert_accessible(page)


def test_the_inbox(site: Site, person: Callable[..., Person], long_chat: dict[str, Any]) -> None:
    page = person().page()
    enter(site, page, "alice@acme.test")
    page.goto("/inbox")
    row = page.locator("#inbox-list button", has_text=str(long_chat["name"]))
    expect(row).to_be_visible()
    assert_room(page, ".inbox-scroll", "list")
    assert row.bounding_box()["height"] < 200
    row.click()
    page.get_by_role("button", name="Join the chat").click()
    expect(field(page)).to_be_focused()
    say(page, "Hello")
    expect(message(page, "Hello")).to_be_visible()
    assert_room(page, ".timeline", "inbox")
    expect(page.locator(".chat-title [title]").first).to_have_attribute(
        "title", str(long_chat["name"])
    )
