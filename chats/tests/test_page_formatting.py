"""Formatting in messages: Markdown's common subset, and nothing else."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from chatapi.tests.browser import Person, Site
from chats.tests.guests import field, join, message, say

pytestmark = pytest.mark.browser


def test_what_is_formatted_and_what_is_not(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    text = (
        "**Two** ways, _maybe_ three:\n- `pip install x`\n- https://a.example/_x_\n\n"
        "> Does 2*3*4 work?\n\n```\n<b>let</b> **a**\n```\n<img src=x onerror=alert(1)> <b>no</b>"
    )
    say(page, text)
    sent = message(page, "maybe")
    bubble = sent.locator(".bubble")
    expect(bubble.locator("strong")).to_have_text("Two")
    expect(bubble.locator("em")).to_have_text("maybe")
    expect(bubble.locator("li")).to_have_text(["pip install x", "https://a.example/_x_"])
    expect(bubble.locator("li a")).to_have_attribute("href", "https://a.example/_x_")
    expect(bubble.locator("blockquote")).to_have_text("Does 2*3*4 work?")
    expect(bubble.locator("pre code")).to_have_text("<b>let</b> **a**")
    expect(bubble).to_contain_text("<img src=x onerror=alert(1)> <b>no</b>")
    assert bubble.locator("img, b").count() == 0
    # What is edited is what was written.
    sent.hover()
    sent.get_by_role("button", name="Edit").click()
    expect(field(page)).to_have_value(text)
