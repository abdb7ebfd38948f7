"""The conversation on a guest's page, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chats.tests.guests import REFUSED, field, join, message, say

pytestmark = pytest.mark.browser


def test_two_guests_converse(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Tulips")
    gina, hugo = person().page(), person(viewport=PHONE).page()
    join(gina, site, chat, "Gina")
    assert "#" not in gina.url
    join(hugo, site, chat, "Hugo")
    say(gina, "Do you have tulips?")
    expect(message(hugo, "Do you have tulips?")).to_be_visible()
    expect(gina.get_by_text("Read", exact=True)).to_be_visible()
    field(hugo).press_sequentially("Red ones")
    expect(gina.get_by_text("Hugo Guest is typing …")).to_be_visible()
    hugo.keyboard.press("Enter")
    expect(message(gina, "Red ones")).to_be_visible()
    expect(gina.get_by_text("Hugo Guest is typing …")).not_to_be_visible()
    expect(hugo.get_by_text("Read", exact=True)).to_be_visible()
    shot(gina, "chat-desktop")
    shot(hugo, "chat-phone")
    assert_accessible(gina)
    gina.emulate_media(color_scheme="dark")
    shot(gina, "chat-dark")


def test_enter_sends_and_shift_enter_breaks_the_line(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    join(page, site, site.chat())
    field(page).press_sequentially("One")
    page.keyboard.press("Shift+Enter")
    field(page).press_sequentially("Two")
    page.keyboard.press("Enter")
    bubble = page.locator(".messages:not(.pending) .bubble")
    expect(bubble).to_have_count(1)
    assert bubble.evaluate("node => node.innerText") == "One\nTwo"
    page.keyboard.press("Enter")  # nothing is no message
    say(page, "   ")
    expect(bubble).to_have_count(1)
    expect(field(page)).to_have_value("   ")


def test_coming_back_needs_nothing_and_a_draft_is_kept(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    chat = site.chat(name="Back again")
    join(page, site, chat)
    say(page, "I am here.")
    expect(message(page, "I am here.")).to_be_visible()
    field(page).press_sequentially("Half a sent")
    page.reload()
    expect(field(page)).to_have_value("Half a sent")
    expect(message(page, "I am here.")).to_have_count(1)
    assert site.mails(f"gina-{chat['id']}@guest.test")[1:] == []


def test_own_messages_are_edited_and_deleted(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person().page()
    join(gina, site, chat)
    hugo = person().page()
    join(hugo, site, chat, "Hugo")
    say(gina, "Two tulps")
    expect(message(hugo, "Two tulps")).to_be_visible()
    expect(message(hugo, "Two tulps").get_by_role("button")).to_have_text(["Reply", "React"])
    gina.keyboard.press("ArrowUp")  # in an empty field: the last one of one's own
    expect(field(gina)).to_have_value("Two tulps")
    field(gina).fill("Two tulips")
    gina.keyboard.press("Enter")
    expect(message(hugo, "Two tulips")).to_contain_text("edited")
    expect(field(gina)).to_have_value("")
    gina.keyboard.press("ArrowUp")
    field(gina).fill("No")
    gina.keyboard.press("Escape")
    expect(message(gina, "Two tulips")).to_be_visible()
    message(gina, "Two tulips").hover()
    message(gina, "Two tulips").get_by_role("button", name="Delete").click()
    dialog = gina.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete this message for everyone?")
    dialog.get_by_role("button", name="Delete").click()
    for page in (gina, hugo):
        expect(message(page, "This message was deleted.")).to_be_visible()
        expect(page.get_by_text("Two tulips")).to_have_count(0)


def test_what_is_too_late_to_edit_is_said(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    join(page, site, chat)
    say(page, "For ever")
    expect(message(page, "For ever")).to_be_visible()
    path = f"/api/companies/{site.acme['id']}"
    try:
        site.ask("PUT", path, {"edit_window_minutes": 0}, site.alice)
        page.keyboard.press("ArrowUp")
        field(page).fill("Not at all")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
            "This message can no longer be edited."
        )
        expect(field(page)).to_have_value("Not at all")
    finally:
        site.ask("PUT", path, {"edit_window_minutes": 15}, site.alice)


def test_links_are_links_and_nothing_else_is(site: Site, person: Callable[..., Person]) -> None:
    page = person().page()
    join(page, site, site.chat())
    say(page, "See https://example.com/a?b=c (or www.example.org), javascript:alert(1)!")
    links = message(page, "See").get_by_role("link")
    expect(links).to_have_count(2)
    expect(links.nth(0)).to_have_attribute("href", "https://example.com/a?b=c")
    expect(links.nth(1)).to_have_attribute("href", "https://www.example.org/")
    for link in links.all():
        expect(link).to_have_attribute("rel", re.compile("noopener"))
        expect(link).to_have_attribute("target", "_blank")


def test_a_closed_chat_is_read_and_opens_again(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    say(page, "Thank you!")
    expect(message(page, "Thank you!")).to_be_visible()
    site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "closed"}, site.alice)
    expect(page.get_by_text("This chat is closed.")).to_be_visible()
    expect(field(page)).not_to_be_visible()
    expect(page.get_by_role("button", name="Start a new chat")).to_have_count(0)
    expect(message(page, "Thank you!")).to_be_visible()
    shot(page, "chat-closed")
    assert_accessible(page)
    site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "open"}, site.alice)
    expect(field(page)).to_be_visible()


def test_what_came_unseen_is_marked(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    agent = site.agent(chat)
    path = f"/api/chats/{chat['id']}/messages"
    for number in range(40):
        site.ask("POST", path, {"text": f"Line {number}."}, agent)
    expect(message(page, "Line 39.")).to_be_in_viewport()
    page.locator(".timeline").hover()
    page.mouse.wheel(0, -2000)
    expect(page.get_by_role("button", name="Go to newest message")).to_be_visible()
    site.ask("POST", path, {"text": "Unseen"}, agent)
    button = page.get_by_role("button", name="1 new message")
    expect(button).to_be_visible()
    expect(page).to_have_title("(1) Acme")
    button.click()
    expect(message(page, "Unseen")).to_be_in_viewport()
    expect(page.get_by_text("New messages", exact=True)).to_be_visible()
    expect(page).to_have_title("Acme")
    shot(page, "chat-marked")


def test_who_is_there_and_leaving(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Roses")
    gina, hugo = person(), person(viewport=PHONE).page()
    page = gina.page()
    gina.context.grant_permissions(["clipboard-read", "clipboard-write"])
    join(page, site, chat)
    join(hugo, site, chat, "Hugo")
    beside = page.get_by_role("complementary", name="About this chat")
    expect(beside).to_contain_text("Roses")
    expect(beside).to_contain_text(str(chat["id"]))
    expect(beside).to_contain_text("Acme")
    expect(beside.get_by_role("listitem").filter(has_text="Hugo")).to_contain_text("online")
    beside.get_by_role("button", name="Share join link").click()
    expect(beside.get_by_label("Join link")).to_have_value(chat["url"])
    assert page.evaluate("navigator.clipboard.readText()") == chat["url"]
    shot(page, "chat-people")
    assert_accessible(page)
    hugo.get_by_role("button", name="People").click()
    shot(hugo, "chat-people-phone")
    hugo.get_by_role("button", name="Leave chat").click()
    hugo.get_by_role("dialog").get_by_role("button", name="Leave chat").click()
    expect(hugo.get_by_role("heading", level=1)).to_have_text("You left the chat")
    expect(beside.get_by_role("listitem").filter(has_text="Hugo")).to_contain_text("left")


def test_by_keyboard_alone(site: Site, person: Callable[..., Person]) -> None:
    """From the link to having left, without a pointer."""
    chat = site.chat()
    page = person().page()
    keys = page.keyboard
    page.goto(chat["url"].partition("#")[0])
    keys.type(chat["password"])
    keys.press("Enter")
    expect(page.get_by_label("First name")).to_be_focused()
    email = f"keys-{chat['id']}@guest.test"
    for text in ("Gina", "Guest", email):
        keys.type(text)
        keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_label("Digit 1 of 6")).to_be_focused()
    keys.type(site.code(email))
    expect(field(page)).to_be_focused()
    keys.type("Typed")
    keys.press("Enter")
    expect(message(page, "Typed")).to_be_visible()
    reach(page, "timeline")
    keys.press("ArrowUp")
    expect(message(page, "Typed")).to_be_focused()
    for name in ("Reply", "React", "Edit"):
        keys.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    keys.press("Enter")
    keys.type("!")
    keys.press("Enter")
    expect(message(page, "Typed!")).to_contain_text("edited")
    reach(page, "Leave chat")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    reach(page, "Leave chat")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You left the chat")


def reach(page: Page, what: str) -> None:
    """Press Tab until the focus is on a text or class."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "[document.activeElement.textContent.trim(), document.activeElement.className]"
        )
        if what in focused:
            return
    raise AssertionError(f"Tab never came to {what!r}")
