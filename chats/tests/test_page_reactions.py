"""Replies and reactions on the pages of a guest and of an agent, in real browsers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatapi.tests.browser import DESKTOP, Person, Site, assert_accessible, shot
from chats.tests.guests import AWAY, REFUSED, field, fill, held_request, join, say
from chats.tests.inbox import guest_and_agent, open_inbox, row, send

pytestmark = pytest.mark.browser

NARROW = {"width": 390, "height": 844}
TOUCH = {"viewport": NARROW, "has_touch": True, "is_mobile": True}
DELETED = "This message was deleted."


def said(page: Page, text: str) -> Locator:
    """The sent message whose own text this is, whatever else quotes it."""
    bubble = page.locator(".bubble", has_text=re.compile(f"{re.escape(text)}$"))
    return page.locator(".messages:not(.pending) .message").filter(has=bubble)


def tool(page: Page, text: str, name: str) -> Locator:
    return said(page, text).get_by_role("button", name=name, exact=True)


def press_tool(page: Page, text: str, name: str) -> None:
    said(page, text).hover()
    tool(page, text, name).click()


def palette(page: Page) -> Locator:
    return page.get_by_role("group", name="Choose a reaction")


def react(page: Page, text: str, emoji: str) -> None:
    press_tool(page, text, "React")
    palette(page).get_by_role("button", name=emoji).click()
    expect(palette(page)).to_be_hidden()


def reply_bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Replying to a message")


def quote(page: Page, text: str) -> Locator:
    return said(page, text).locator(".quote")


@pytest.fixture
def chat(site: Site) -> dict[str, Any]:
    return site.chat(name="Roses")


@pytest.fixture
def pair(site: Site, person: Callable[..., Person], chat: dict[str, Any]) -> tuple[Page, Page]:
    """A guest and an agent, both in the chat."""
    return guest_and_agent(site, person, chat)


def test_a_reply_quotes_its_message_as_it_is_now(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    say(gina, "Do you have <b>roses</b>?")
    press_tool(agent, "Do you have <b>roses</b>?", "Reply")
    expect(field(agent)).to_be_focused()
    expect(reply_bar(agent)).to_contain_text("Gina GuestDo you have <b>roses</b>?")
    expect(field(agent)).to_have_accessible_description(re.compile("^Gina Guest Do you have"))
    assert_accessible(agent)
    agent.keyboard.type("Red ones")
    agent.reload()  # the bar is kept with the draft
    expect(field(agent)).to_have_value("Red ones")
    expect(reply_bar(agent)).to_contain_text("Do you have <b>roses</b>?")
    shot(agent, "reply-bar")
    field(agent).press("Enter")
    expect(reply_bar(agent)).to_be_hidden()
    expect(quote(gina, "Red ones")).to_have_text("YouDo you have <b>roses</b>?")
    expect(quote(agent, "Red ones")).to_have_text("Gina GuestDo you have <b>roses</b>?")
    assert gina.locator(".quote b").count() == 0
    press_tool(gina, "Do you have <b>roses</b>?", "Edit")
    field(gina).fill("Do you have lilies?")
    field(gina).press("Enter")
    react(agent, "Red ones", "👍")
    press_tool(agent, "Red ones", "Reply")
    agent.emulate_media(color_scheme="dark")
    shot(agent, "inbox-replies-dark")
    agent.set_viewport_size(NARROW)
    shot(agent, "inbox-replies-phone-dark")
    agent.emulate_media(color_scheme="light")
    shot(agent, "inbox-replies-phone")
    agent.set_viewport_size(DESKTOP)
    agent.keyboard.press("Escape")
    for page in pair:
        expect(quote(page, "Red ones")).to_contain_text("Do you have lilies?")
        expect(said(page, "Red ones")).not_to_contain_text("edited")
    press_tool(gina, "Do you have lilies?", "Delete")
    gina.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in pair:
        expect(quote(page, "Red ones")).to_contain_text(DELETED)
        expect(said(page, DELETED).first.get_by_role("button")).to_have_count(0)
    assert_accessible(gina)


def test_a_reply_can_be_cancelled(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    say(gina, "Hello")
    expect(said(agent, "Hello")).to_be_visible()
    press_tool(agent, "Hello", "Reply")
    agent.keyboard.press("Escape")
    expect(reply_bar(agent)).to_be_hidden()
    press_tool(agent, "Hello", "Reply")
    reply_bar(agent).get_by_role("button", name="Cancel").click()
    expect(reply_bar(agent)).to_be_hidden()
    expect(field(agent)).to_be_focused()
    say(agent, "Good morning")
    expect(said(gina, "Good morning")).to_be_visible()
    expect(quote(gina, "Good morning")).to_have_count(0)
    # While a message is edited, the reply waits.
    press_tool(agent, "Hello", "Reply")
    press_tool(agent, "Good morning", "Edit")
    expect(reply_bar(agent)).to_be_hidden()
    agent.keyboard.press("Escape")
    expect(reply_bar(agent)).to_be_visible()
    # What is deleted meanwhile cannot be replied to.
    press_tool(gina, "Hello", "Delete")
    gina.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(reply_bar(agent)).to_be_hidden()
    live = agent.locator("[aria-live]", has_text="The message you were replying to was deleted.")
    expect(live).to_have_count(1)


def test_reactions_are_toggled_live(site: Site, pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    say(gina, "Thank you")
    expect(said(agent, "Thank you")).to_be_visible()
    expect(gina.get_by_text("Read", exact=True)).to_be_visible()
    agent.evaluate("""() => {
        globalThis.announced = [];
        for (const node of document.querySelectorAll('[aria-live]'))
            new MutationObserver(() => announced.push(node.textContent))
                .observe(node, { childList: true, characterData: true, subtree: true });
    }""")
    react(gina, "Thank you", "❤️")
    mine = said(gina, "Thank you").get_by_role("button", name="❤️, 1 reaction, You")
    theirs = said(agent, "Thank you").get_by_role("button", name="❤️, 1 reaction, Gina Guest")
    expect(mine).to_have_attribute("aria-pressed", "true")
    expect(theirs).to_have_attribute("aria-pressed", "false")
    expect(theirs).to_have_attribute("title", "Gina Guest")
    theirs.click()
    both = said(gina, "Thank you").locator(".reaction")
    expect(both).to_have_text("❤️ 2")
    expect(both).to_have_attribute("title", re.compile("^You and "))
    react(agent, "Thank you", "🎉")
    expect(said(gina, "Thank you").locator(".reaction")).to_have_text(["❤️ 2", "🎉 1"])
    press_tool(gina, "Thank you", "React")
    chosen = palette(gina).get_by_role("button", pressed=True)
    expect(chosen).to_have_text(["❤️"])
    shot(gina, "palette-desktop")
    gina.emulate_media(color_scheme="dark")
    shot(gina, "palette-desktop-dark")
    gina.emulate_media(color_scheme="light")
    assert_accessible(gina)
    chosen.click()  # again takes it back
    expect(said(agent, "Thank you").locator(".reaction")).to_have_text(["❤️ 1", "🎉 1"])
    for emoji in ("❤️", "🎉"):
        said(agent, "Thank you").get_by_role("button", name=emoji).click()
    for page in pair:
        expect(said(page, "Thank you").locator(".reaction")).to_have_count(0)
        expect(said(page, "Thank you")).not_to_contain_text("edited")
    expect(gina).not_to_have_title(re.compile(r"^\("))
    expect(agent.locator("#inbox-list [aria-current]")).not_to_contain_text("unread")
    assert agent.evaluate("announced") == []
    expect(gina.get_by_text("Read", exact=True)).to_be_visible()


def test_by_keyboard_alone(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    keys = gina.keyboard
    say(gina, "First")
    say(gina, "Second")
    expect(said(gina, "Second")).to_be_visible()
    gina.locator(".timeline").focus()
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    expect(said(gina, "First")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    expect(tool(gina, "First", "React")).to_be_focused()
    keys.press("Enter")
    buttons = palette(gina).get_by_role("button")
    expect(buttons.nth(0)).to_be_focused()
    expect(tool(gina, "First", "React")).to_have_attribute("aria-expanded", "true")
    keys.press("Escape")
    expect(palette(gina)).to_be_hidden()
    expect(tool(gina, "First", "React")).to_be_focused()
    keys.press("Enter")
    keys.press("ArrowLeft")
    expect(buttons.nth(7)).to_be_focused()
    keys.press("Tab")  # past the end
    expect(tool(gina, "First", "React")).to_be_focused()
    keys.press("Enter")
    keys.press("ArrowRight")
    keys.press("Tab")
    keys.press("Enter")
    reaction = said(gina, "First").locator(".reaction")
    expect(reaction).to_have_text("😂 1")
    expect(tool(gina, "First", "React")).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    expect(reaction).to_be_focused()
    said(agent, "First").locator(".reaction").click()
    expect(reaction).to_have_text("😂 2")
    expect(reaction).to_be_focused()  # also after the message was shown again
    keys.press("Space")
    expect(reaction).to_have_text("😂 1")
    expect(reaction).to_be_focused()
    keys.press("Tab")
    expect(tool(gina, "First", "Reply")).to_be_focused()
    keys.press("Enter")
    keys.type("Third")
    keys.press("Enter")
    expect(quote(gina, "Third")).to_have_text("YouFirst")
    gina.locator(".timeline").focus()
    keys.press("ArrowUp")
    keys.press("Tab")
    expect(quote(gina, "Third")).to_be_focused()
    keys.press("Enter")
    expect(said(gina, "First")).to_be_focused()
    said(agent, "First").locator(".reaction").click()
    expect(reaction).to_have_count(0)
    expect(said(gina, "First")).to_be_focused()


def test_on_a_phone_by_touch(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person(**TOUCH).page()
    join(gina, site, chat)
    agent = site.agent(chat)
    send(site, chat, agent, "We have roses, lilies and tulips. " * 8 + "Which?")
    tool(gina, "Which?", "React").tap()
    box = palette(gina).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"]
    shot(gina, "palette-phone")
    gina.emulate_media(color_scheme="dark")
    shot(gina, "palette-phone-dark")
    gina.locator(".chat-header h1").tap()  # elsewhere
    expect(palette(gina)).to_be_hidden()
    tool(gina, "Which?", "React").tap()
    tool(gina, "Which?", "React").tap()
    expect(palette(gina)).to_be_hidden()
    tool(gina, "Which?", "React").tap()
    palette(gina).get_by_role("button", name="👍").tap()
    expect(said(gina, "Which?").locator(".reaction")).to_have_text("👍 1")
    said(gina, "Which?").locator(".reaction").tap()
    expect(said(gina, "Which?").locator(".reaction")).to_have_count(0)
    tool(gina, "Which?", "React").tap()
    palette(gina).get_by_role("button", name="😮").tap()
    tool(gina, "Which?", "Reply").tap()
    expect(reply_bar(gina)).to_be_visible()
    shot(gina, "reply-bar-phone-dark")
    gina.emulate_media(color_scheme="light")
    shot(gina, "reply-bar-phone")
    field(gina).fill("Roses")
    gina.get_by_role("button", name="Send").tap()
    expect(quote(gina, "Roses")).to_contain_text("We have roses")
    tool(gina, "Roses", "React").tap()
    palette(gina).get_by_role("button", name="✅").tap()
    expect(said(gina, "Roses").locator(".reaction")).to_have_text("✅ 1")
    shot(gina, "replies-phone")
    gina.emulate_media(color_scheme="dark")
    shot(gina, "replies-phone-dark")
    assert gina.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert_accessible(gina)


def test_a_reply_waits_for_the_network(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person()
    gina.allow(AWAY)
    page = gina.page()
    join(page, site, chat)
    agent = site.agent(chat)
    send(site, chat, agent, "Which colour?")
    press_tool(page, "Which colour?", "Reply")
    gina.context.set_offline(True)
    say(page, "Red")
    waiting = page.locator(".pending .message")
    expect(waiting.locator(".quote")).to_contain_text("Which colour?")
    expect(waiting).to_contain_text("Not sent yet")
    stored = page.evaluate("Object.entries(localStorage).find(([key]) => /outbox/.test(key))[1]")
    gina.context.set_offline(False)
    expect(quote(page, "Red")).to_contain_text("Which colour?", timeout=20_000)
    expect(waiting).to_have_count(0)
    newest = site.ask("GET", f"/api/chats/{chat['id']}/messages", token=agent)["data"][0]
    assert newest["reply_to"]["text"] == "Which colour?"
    assert f'"id":{newest["reply_to"]["id"]}' in stored


def test_a_refused_reply_is_sent_without_its_quote(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    join(page, site, chat)
    agent = site.agent(chat)
    question = send(site, chat, agent, "Which colour?")
    held: list[Route] = []
    page.route("**/messages", lambda route: held.append(route))
    press_tool(page, "Which colour?", "Reply")
    say(page, "Red")
    expect(page.get_by_text("Sending …")).to_be_visible()
    site.ask("DELETE", f"/api/chats/{chat['id']}/messages/{question['id']}", token=agent)
    waiting = page.locator(".pending .message")
    expect(waiting.locator(".quote")).to_contain_text(DELETED)
    held_request(page, held).continue_()
    expect(waiting).to_contain_text("The message you were replying to was deleted.")
    page.unroute_all()
    waiting.get_by_role("button", name="Send without the quote").click()
    expect(said(page, "Red")).to_be_visible()
    expect(said(page, "Red").locator(".quote")).to_have_count(0)


def test_a_quote_leads_to_a_message_far_above(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    page = person().page()
    join(page, site, chat)
    say(page, "The very first")
    expect(said(page, "The very first")).to_be_visible()
    agent = site.agent(chat)
    path = f"/api/chats/{chat['id']}/messages"
    first = site.ask("GET", path, token=agent)["data"][0]
    fill(site, chat["id"], 300)
    site.ask("POST", path, {"text": "Indeed", "reply_to_id": first["id"]}, agent)
    page.reload()
    expect(said(page, "The very first")).to_have_count(0)
    quote(page, "Indeed").click()
    expect(said(page, "The very first")).to_be_in_viewport()
    expect(said(page, "The very first")).to_be_focused()
    page.get_by_role("button", name="Go to newest message").click()
    expect(said(page, "Indeed")).to_be_in_viewport()


def test_a_closed_chat_offers_neither(
    site: Site, chat: dict[str, Any], pair: tuple[Page, Page]
) -> None:
    gina, agent = pair
    say(gina, "Thank you")
    expect(said(agent, "Thank you")).to_be_visible()
    react(agent, "Thank you", "🙏")
    expect(said(gina, "Thank you").locator("button.reaction")).to_have_count(1)
    press_tool(gina, "Thank you", "React")
    shot(agent, "reactions-inbox")
    site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "closed"}, site.alice)
    expect(palette(gina)).to_be_hidden()
    expect(said(gina, "Thank you")).to_be_focused()  # what had the focus is gone
    for page in pair:
        for name in ("Reply", "React"):
            expect(tool(page, "Thank you", name)).to_have_count(0)
        expect(said(page, "Thank you").get_by_role("img", name="🙏, 1 reaction")).to_be_visible()
    site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "open"}, site.alice)
    for page in pair:
        expect(tool(page, "Thank you", "React")).to_have_count(1)


def test_who_reads_along_sees_both(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = site.guest(chat)
    question = send(site, chat, gina, "Anyone there?")
    page = open_inbox(site, person())
    row(page, "Roses").first.click()
    expect(said(page, "Anyone there?")).to_be_visible()
    path = f"/api/chats/{chat['id']}/messages"
    site.ask("PUT", f"{path}/{question['id']}/reactions/%F0%9F%91%8D", token=gina)
    shown = said(page, "Anyone there?").get_by_role("img", name="👍, 1 reaction, Gina Guest")
    expect(shown).to_be_visible()
    site.ask("POST", path, {"text": "Hello?", "reply_to_id": question["id"]}, gina)
    expect(quote(page, "Hello?")).to_have_text("Gina GuestAnyone there?")
    expect(said(page, "Hello?").get_by_role("button")).to_have_count(1)  # the quote
    assert_accessible(page)
