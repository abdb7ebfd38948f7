"""What the tests of the agents' inbox do again and again."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from chatapi.tests.browser import Person, Site, enter, wait_for_inbox
from chats.tests.guests import join


def open_inbox(site: Site, person: Person) -> Page:
    """The inbox of alice, in a tab of a browser where she is logged in."""
    page = person.page()
    enter(site, page, "alice@acme.test")
    return page


def another_tab(page: Page) -> Page:
    tab = page.context.new_page()
    tab.goto(page.url)
    wait_for_inbox(tab)
    return tab


def row(page: Page, name: str) -> Locator:
    return page.locator("#inbox-list").get_by_role("button").filter(has_text=name)


def joined(page: Page, name: str) -> Locator:
    """Open a chat of the list and join it; gives the field one writes in."""
    row(page, name).click()
    page.get_by_role("button", name="Join the chat").click()
    field = page.get_by_label("Message", exact=True)
    expect(field).to_be_focused()
    return field


def guest_and_agent(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> tuple[Page, Page]:
    """A guest and an agent, each in a browser of their own, who have both joined the chat."""
    guest = person().page()
    join(guest, site, chat)
    agent = open_inbox(site, person())
    agent.goto(f"/inbox#chat={chat['id']}")
    agent.get_by_role("button", name="Join the chat").click()
    expect(agent.get_by_label("Message", exact=True)).to_be_focused()
    return guest, agent


def send(site: Site, chat: dict[str, Any], token: str, text: str) -> Any:
    return site.ask("POST", f"/api/chats/{chat['id']}/messages", {"text": text}, token)
