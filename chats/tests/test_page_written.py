"""What is written on a page arrives as it was written, or it is said that it can't."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chats.tests.guests import REFUSED, field, join, say
from chats.tests.test_written import INVISIBLE

pytestmark = pytest.mark.browser

BUBBLES = ".messages:not(.pending) .bubble"
MAX_TEXT = 10_000
CODE = "    if x:\n        return  y\n\tz"
PASTED = [
    (f"{CODE}\n", CODE),
    (f"\n  \n{CODE}", CODE),
    ("  one  line ", "one  line"),
    ("a\n\n\n   b   c", "a\n\n\n   b   c"),
    ("\u00a0\u00a0x\u3000", "x"),
    ("😀" * MAX_TEXT, "😀" * MAX_TEXT),  # two units of JavaScript each
    ("\n" + "x" * MAX_TEXT + " \n", "x" * MAX_TEXT),
]


def paste(page: Page, text: str) -> None:
    """Put a text into the field with the focus, as pasting does."""
    page.keyboard.insert_text(text)


def test_pasted_text_arrives_as_it_was(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    for number, (pasted, _) in enumerate(PASTED):
        field(page).focus()
        paste(page, pasted)
        expect(field(page)).to_have_value(pasted)
        page.keyboard.press("Enter")
        expect(page.locator(BUBBLES)).to_have_count(number + 1)
    expected = [text for _, text in PASTED]
    assert (
        page.locator(BUBBLES).evaluate_all("all => all.map(each => each.textContent)") == expected
    )
    stored = site.ask("GET", f"/api/chats/{chat['id']}/messages?order=asc", token=site.alice)
    assert [each["text"] for each in stored["data"]] == expected
    code = page.locator(BUBBLES).first
    assert code.evaluate("node => node.innerText") == CODE
    assert code.evaluate("node => getComputedStyle(node).whiteSpaceCollapse") == "preserve"


def test_a_text_above_the_limit_is_kept_and_refused(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person(viewport=PHONE).page()
    join(page, site, site.chat())
    counter = page.locator(".count")
    expect(counter).to_be_hidden()
    text = "😀" * (MAX_TEXT - 1)
    paste(page, text)
    expect(counter).to_have_text("1 character left")
    paste(page, "abc")
    expect(counter).to_have_text("2 characters too long")
    expect(page.locator("[aria-live]", has_text="2 characters too long")).to_have_count(1)
    expect(field(page)).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Send").click()
    alert = page.get_by_role("alert").filter(visible=True)
    sentence = "This message is 2 characters too long. Shorten it or split it up."
    expect(alert).to_have_text(sentence)
    expect(field(page)).to_have_value(f"{text}abc")
    expect(page.locator(".message")).to_have_count(0)
    assert_accessible(page)
    shot(page, "too-long")
    page.reload()
    expect(field(page)).to_have_value(f"{text}abc")
    expect(counter).to_have_text("2 characters too long")
    field(page).focus()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    expect(counter).to_have_text("0 characters left")
    page.keyboard.press("Enter")
    expect(page.locator(BUBBLES)).to_have_text([f"{text}a"])
    expect(counter).to_be_hidden()


def test_what_shows_nothing_is_not_offered_to_be_sent(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    join(page, site, site.chat())
    send = page.get_by_role("button", name="Send")
    expect(send).to_be_disabled()
    for text in [*INVISIBLE, " \n\t"]:
        say(page, text)
        expect(field(page)).to_have_value(text)
        expect(send).to_be_disabled()
    assert page.locator(".message").count() == 0
    say(page, "❤\ufe0f")
    expect(page.locator(BUBBLES)).to_have_text(["❤\ufe0f"])


def test_the_start_keeps_and_refuses_too(site: Site, person: Callable[..., Person]) -> None:
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    page.goto("/start/acme")
    page.get_by_label("First name").fill("\u200b")
    page.get_by_label("Email").fill("too-long@guest.test")
    question = page.get_by_label("How can we help?")
    question.focus()
    paste(page, "x" * (MAX_TEXT + 1))
    start = page.get_by_role("button", name="Start", exact=True)
    start.click()
    expect(page.locator(".error", has_text="This message is 1 character too long.")).to_be_visible()
    expect(question).to_have_value("x" * (MAX_TEXT + 1))
    question.fill(CODE)
    start.click()
    name = page.get_by_label("First name")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("n" * 101)  # pasted names are not cut either
    expect(name).to_have_value("n" * 101)
    start.click()
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Gina")
    start.click()
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code("too-long@guest.test"))
    expect(page.locator(BUBBLES)).to_have_count(1)
    assert page.locator(BUBBLES).evaluate("node => node.textContent") == CODE
