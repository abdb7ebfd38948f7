"""The pages in German, and written from right to left."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from chatapi.tests.browser import (
    DESKTOP,
    PHONE,
    Person,
    Site,
    assert_accessible,
    enter,
    shot,
    violations,
)
from chats.tests.guests import fill, join, message, say

pytestmark = pytest.mark.browser


def test_a_guest_reads_german(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Tulpen")
    page = person(locale="de-DE", viewport=PHONE).page()
    page.goto(chat["url"])
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", level=1)).to_have_text("Wer sind Sie?")
    page.get_by_label("Vorname").fill("Gina")
    page.get_by_label("Nachname").fill("Gast")
    email = f"deutsch-{chat['id']}@guest.test"
    page.get_by_label("E-Mail").fill(email)
    page.get_by_role("button", name="Dem Chat beitreten").click()
    page.get_by_label("Ziffer 1 von 6").press_sequentially(site.code(email))
    expect(page.get_by_label("Nachricht", exact=True)).to_be_focused()
    assert "ist Ihr Code" in str(site.mails(email)[0]["Subject"])
    page.keyboard.type("Guten Tag")
    page.keyboard.press("Enter")
    expect(message(page, "Guten Tag")).to_be_visible()
    assert_accessible(page)
    shot(page, "german-chat")


def test_an_agent_chooses_the_language(site: Site, person: Callable[..., Person]) -> None:
    page = person().page()
    enter(site, page, "alice@acme.test")
    page.goto("/account")
    page.get_by_role("contentinfo").get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    for path in (
        "/account",
        "/account/tokens",
        "/companies",
        "/companies/acme",
        "/companies/acme/members",
        "/companies/acme/replies",
        "/companies/acme/overview",
        "/inbox",
    ):
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", "de")
        assert not violations(page), path
        shot(page, f"german{path.replace('/', '-')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Posteingang")


def test_from_right_to_left(site: Site, person: Callable[..., Person]) -> None:
    """No catalogue of ours is; the layout is ready for one."""
    chat = site.chat(name="ورود")
    alice = person()
    page = alice.page()
    turn = "document.documentElement.dir = 'rtl'"
    page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {turn} }})")
    join(page, site, chat)
    fill(site, chat["id"], 3)
    page.reload()
    say(page, "مرحبا hello")
    expect(message(page, "مرحبا")).to_be_visible()
    mine = message(page, "مرحبا").locator(".bubble").bounding_box()
    beside = page.get_by_role("complementary").bounding_box()
    assert mine is not None
    assert beside is not None
    assert beside["x"] == 0  # at the end of the line, which is left
    assert mine["x"] < DESKTOP["width"] / 2
    for viewport in (PHONE, DESKTOP):
        page.set_viewport_size(viewport)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    shot(page, "rtl-chat")
    enter(site, page, "alice@acme.test")
    page.goto(f"/inbox#chat={chat['id']}")
    expect(message(page, "مرحبا")).to_be_visible()
    page.goto("/companies/acme")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Acme"))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    shot(page, "rtl-settings")
