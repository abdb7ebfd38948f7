"""What a guest's page costs: bytes, and elements however long the chat is."""

import gzip
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from chatapi.tests.browser import Person, Site
from chats.tests.guests import fill, join, message

pytestmark = pytest.mark.browser

MOST_BYTES = 80 * 1024
MOST_ELEMENTS = 300


def test_scripts_and_styles_are_small(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    page = gina.page()
    bodies: dict[str, bytes] = {}
    page.on(
        "response",
        lambda answer: (
            bodies.update({urlsplit(answer.url).path: answer.body()})
            if answer.request.resource_type in {"script", "stylesheet"}
            else None
        ),
    )
    join(page, site, chat)
    assert any(path.endswith("conversation.js") for path in bodies)
    size = sum(len(gzip.compress(body)) for body in bodies.values())
    assert size <= MOST_BYTES, {path: len(gzip.compress(body)) for path, body in bodies.items()}


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
