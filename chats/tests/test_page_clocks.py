"""Pages on computers whose clock is wrong, and pages that are open for days."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import Person, Site, enter, wait_for_inbox
from chats.tests.guests import join, message, say

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("ahead", [-86_400, -8, 8, 86_400])
def test_typing_shows_whatever_the_clock(
    site: Site, person: Callable[..., Person], ahead: int
) -> None:
    chat = site.chat()
    page = person().page()
    shift = f"const now = Date.now; Date.now = () => now() + {ahead * 1000};"
    page.add_init_script(shift)
    join(page, site, chat)
    hugo = site.guest(chat, "Hugo")
    expect(page.get_by_role("complementary")).to_contain_text("Hugo")
    path = f"/api/chats/{chat['id']}/typing"
    site.ask("POST", path, {}, hugo)
    expect(page.get_by_text("Hugo Guest is typing …")).to_be_visible()
    site.ask("POST", path, {"typing": False}, hugo)
    expect(page.get_by_text("Hugo Guest is typing …")).not_to_be_visible()


def tomorrow() -> datetime:
    return datetime.now() + timedelta(days=1)


def wake(page: Page) -> None:
    """The page comes into sight again, as after a sleep."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_days_are_named_anew_after_midnight(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Overnight")
    gina = person().page()
    join(gina, site, chat)
    say(gina, "Good night")
    expect(message(gina, "Good night")).to_be_visible()
    agent = person().page()
    enter(site, agent, "alice@acme.test")
    row = agent.locator("#inbox-list button", has_text="Overnight")
    brief = row.locator("time")
    before = brief.text_content() or ""
    assert ":" in before
    expect(gina.locator(".day")).to_have_text("today")
    for page in (gina, agent):
        page.clock.set_fixed_time(tomorrow())
        wake(page)
    expect(gina.locator(".day")).to_have_text("yesterday")
    expect(brief).not_to_contain_text(":")


def test_a_token_lasts_by_the_servers_clock(site: Site, person: Callable[..., Person]) -> None:
    """A computer a year ahead would find each token expired, and ask for one on every page."""
    page = person().page()
    page.clock.set_fixed_time(datetime.now() + timedelta(days=365))
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "browser-token" in each.url else None)
    enter(site, page, "alice@acme.test")
    page.reload()
    wait_for_inbox(page)
    assert len(asked) == 1
