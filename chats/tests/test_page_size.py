"""What the pages cost: bytes, and elements however long the chat is."""

import gzip
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from chatapi.tests.browser import Person, Site, enter
from chats.tests.guests import fill, join, message
from chats.tests.inbox import joined

pytestmark = pytest.mark.browser

MOST_BYTES = 80 * 1024
MOST_ELEMENTS = 300


def compressed(page: Page) -> dict[str, int]:
    """The compressed sizes of the scripts and styles that a page loads from now on, by path."""
    sizes: dict[str, int] = {}

    def note(answer: Response) -> None:
        if answer.request.resource_type in {"script", "stylesheet"}:
            sizes[urlsplit(answer.url).path] = len(gzip.compress(answer.body()))

    page.on("response", note)
    return sizes


def test_a_guests_scripts_and_styles_are_small(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    sizes = compressed(page)
    join(page, site, chat)
    assert any(path.endswith("conversation.js") for path in sizes)
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_an_agents_scripts_and_styles_are_small(site: Site, person: Callable[..., Person]) -> None:
    site.chat(name="Small")
    page = person().page()
    sizes = compressed(page)
    enter(site, page, "alice@acme.test")
    joined(page, "Small")
    assert any(path.endswith("inbox/notes.js") for path in sizes)
    own = {path: size for path, size in sizes.items() if "/vendor/" not in path}
    assert sum(own.values()) <= MOST_BYTES, own


def test_five_thousand_messages_in_few_elements(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    fill(site, chat["id"], 5_000)
    page.reload()
    expect(message(page, "Message number 5000.")).to_be_in_viewport()
    most = 0
    steady = """(async () => {
        const scroller = document.querySelector('.timeline');
        const top = scroller.getBoundingClientRect().top;
        const all = [...document.querySelectorAll('.message')];
        const first = all.find(each => each.getBoundingClientRect().bottom > top);
        return [first.dataset.seq, first.getBoundingClientRect().top];
    })()"""
    page.locator(".timeline").hover()
    first = page.get_by_text("This is the start of the chat.")
    for _ in range(400):
        page.mouse.wheel(0, -6_000)
        page.wait_for_timeout(30)
        most = max(most, page.locator(".message").count())
        if first.is_visible():
            break
    expect(message(page, "Message number 1.")).to_be_visible()
    assert most <= MOST_ELEMENTS
    # While a page loads above, what is looked at stays where it is.
    expect(page.get_by_role("button", name="Go to newest message")).to_be_visible()
    before = page.evaluate(steady)
    page.wait_for_timeout(500)
    assert page.evaluate(steady) == before
    for _ in range(5):
        page.mouse.wheel(0, 6_000)
        page.wait_for_timeout(100)
        most = max(most, page.locator(".message").count())
    page.get_by_role("button", name="Go to newest message").click()
    expect(message(page, "Message number 5000.")).to_be_in_viewport()
    assert most <= MOST_ELEMENTS
    shown = page.locator(".message").evaluate_all(
        "all => all.map(each => Number(each.dataset.seq))"
    )
    assert shown == sorted(set(shown))
