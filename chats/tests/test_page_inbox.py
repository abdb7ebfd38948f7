"""The agents' inbox, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, hide, shot
from chatapi.tests.installation import wait_for
from chats.tests.guests import AWAY, fill, message
from chats.tests.inbox import joined, open_inbox, row, send

pytestmark = pytest.mark.browser


@pytest.fixture
def agent(site: Site, person: Callable[..., Person]) -> Callable[..., Page]:
    """A page of the inbox, alice logged in; options are those of a browser's context."""

    def make(faults: str = "", **options: Any) -> Page:
        alice = person(**options)
        if faults:
            alice.allow(faults)
        return open_inbox(site, alice)

    return make


def test_a_new_chat_comes_live_is_answered_and_closed(
    site: Site, agent: Callable[..., Page]
) -> None:
    page = agent()
    chat = site.chat(name="Lost parcel")
    expect(row(page, "Lost parcel")).to_be_visible()
    gina = site.guest(chat)
    send(site, chat, gina, "Where is my parcel?")
    expect(row(page, "Lost parcel")).to_contain_text("1 unread")
    expect(page).to_have_title(re.compile(r"^\(\d+\) Inbox$"))
    row(page, "Lost parcel").click()
    expect(page.locator(".message", has_text="Where is my parcel?")).to_be_visible()
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("On its way.")
    page.keyboard.press("Enter")
    expect(page.locator(".messages:not(.pending) .message.mine")).to_have_text(
        re.compile("On its way.")
    )
    expect(row(page, "Lost parcel")).not_to_contain_text("unread")
    events = site.ask("GET", f"/api/chats/{chat['id']}/messages", token=gina)["data"]
    assert [each["text"] for each in events] == ["On its way.", "Where is my parcel?"]
    assert_accessible(page)
    shot(page, "inbox-desktop")
    page.get_by_role("button", name="Close chat").click()
    expect(page.get_by_text("This chat is closed.")).to_be_visible()
    expect(row(page, "Lost parcel")).to_have_count(0)
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    expect(row(page, "Lost parcel")).to_be_visible()
    # Coming back by the address finds the same chat, joined.
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def test_reading_along_is_live(site: Site, agent: Callable[..., Page]) -> None:
    chat = site.chat(name="Read along")
    gina = site.guest(chat)
    page = agent()
    row(page, "Read along").click()
    expect(page.get_by_text("Join to reply.")).to_be_visible()
    sent = send(site, chat, gina, "Hello?")
    message = page.locator(".message", has_text="Hello?")
    expect(message).to_be_visible()
    path = f"/api/chats/{chat['id']}/messages/{sent['id']}"
    site.ask("PUT", path, {"text": "Good morning?"}, gina)
    expect(page.locator(".message", has_text="Good morning?")).to_be_visible()
    site.ask("DELETE", path, token=gina)
    expect(page.locator(".message", has_text="This message was deleted.")).to_be_visible()
    assert_accessible(page)


def test_guests_are_removed_and_the_password_is_changed(
    site: Site, agent: Callable[..., Page]
) -> None:
    chat = site.chat(name="Strangers")
    site.guest(chat, "Mallory")
    page = agent()
    row(page, "Strangers").click()
    page.get_by_role("button", name="Ban: Mallory Guest").click()
    page.get_by_role("dialog").get_by_role("button", name="Ban", exact=True).click()
    expect(page.locator(".person", has_text="Mallory Guest")).to_contain_text("banned")
    page.get_by_role("button", name="Lift the ban: Mallory Guest").click()
    expect(page.locator(".person", has_text="Mallory Guest")).to_contain_text("removed")
    page.get_by_role("button", name="New password").click()
    page.get_by_role("dialog").get_by_role("button", name="New password").click()
    expect(page.get_by_text("The chat has a new password.")).to_be_visible()
    link = page.get_by_label("Join link").input_value()
    assert link.startswith(f"{site.url}/chats/{chat['id']}#")
    assert link != chat["url"]


def test_saved_replies(site: Site, agent: Callable[..., Page]) -> None:
    path = f"/api/companies/{site.acme['id']}/replies"
    for title in ("Opening hours", "Returns"):
        site.ask("POST", path, {"title": title, "text": f"About {title.lower()}."}, site.alice)
    chat = site.chat(name="Questions")
    site.agent(chat)
    page = agent()
    row(page, "Questions").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("/")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Opening hours")).to_be_visible()
    assert_accessible(page)
    shot(page, "inbox-replies")
    page.keyboard.type("return")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_have_value("About returns.")


def test_search_filters_and_keys(site: Site, agent: Callable[..., Page]) -> None:
    for number in range(3):
        site.chat(name=f"Orchid {number}")
    closed = site.chat(name="Orchid closed")
    site.ask("PUT", f"/api/chats/{closed['id']}", {"status": "closed"}, site.alice)
    page = agent()
    page.keyboard.press("/")
    expect(page.get_by_label("Search chats and messages")).to_be_focused()
    page.keyboard.type("orchid")
    expect(page.locator("#inbox-list > li")).to_have_count(3)
    page.get_by_label("Filter by status").select_option("closed")
    expect(page.locator("#inbox-list > li")).to_have_count(1)
    page.get_by_label("Filter by status").select_option("")
    expect(page.locator("#inbox-list > li")).to_have_count(4)
    page.locator("body").click(position={"x": 900, "y": 600})
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#inbox-list .current")).to_have_count(1)
    page.get_by_role("heading", name="Orchid 2").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Next chat")).to_be_visible()
    page.get_by_label("Use keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Search chats and messages")).not_to_be_focused()


def test_notifications_of_what_is_not_seen(
    site: Site, person: Callable[..., Person], agent: Callable[..., Page]
) -> None:
    page = agent(permissions=["notifications"])
    page.evaluate(
        """() => {
            window.told = [];
            const Real = window.Notification;
            window.Notification = class extends Real {
                constructor(title, options) {
                    super(title, options);
                    window.told.push([title, options.body]);
                }
            };
        }"""
    )
    page.get_by_role("button", name="Turn on notifications").click()
    expect(page.get_by_role("button", name="Notifications are on")).to_be_visible()
    chat = site.chat(name="Noise")
    gina = site.guest(chat)
    send(site, chat, gina, "Seen")
    expect(row(page, "Noise")).to_contain_text("Seen")
    hide(page)
    send(site, chat, gina, "Unseen")
    wait_for(lambda: page.evaluate("told.length"))
    assert page.evaluate("told") == [["Gina Guest in Noise", "Unseen"]]


def test_on_a_phone_the_chat_takes_the_place_of_the_list(
    site: Site, agent: Callable[..., Page]
) -> None:
    chat = site.chat(name="On the road")
    site.agent(chat)
    page = agent(viewport=PHONE)
    shot(page, "inbox-phone-list")
    row(page, "On the road").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    expect(page.locator("#inbox-list")).not_to_be_visible()
    shot(page, "inbox-phone-chat")
    page.get_by_role("button", name="People").click()
    expect(page.get_by_role("complementary", name="About this chat")).to_be_visible()
    page.get_by_role("button", name="People").click()
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#inbox-list")).to_be_visible()


def test_who_logs_out_has_no_token_left(site: Site, agent: Callable[..., Page]) -> None:
    page = agent()
    token = page.evaluate(
        "JSON.parse(Object.entries(localStorage).find(([key]) => key.includes('browser'))[1]).token"
    )
    assert site.installation.call("GET", "/api/user", token=token).status == 200
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(site.url + "/")
    assert site.installation.call("GET", "/api/user", token=token).status == 401


def test_the_server_is_away_and_back(
    site: Site, person: Callable[..., Person], agent: Callable[..., Page]
) -> None:
    chat = site.chat(name="Through the storm")
    site.agent(chat)
    gina = site.guest(chat)
    page = agent(faults=AWAY)
    row(page, "Through the storm").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    site.installation.kill("web")
    try:
        page.keyboard.type("Still there?")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Not sent yet", exact=True)).to_be_visible()
        expect(page.locator("#inbox-said")).to_have_text("Reconnecting …")
    finally:
        site.installation.start("web")
    send(site, chat, gina, "I am back.")
    sent = page.locator(".messages:not(.pending) .message")
    expect(sent.filter(has_text="Still there?")).to_have_count(1, timeout=60_000)
    expect(sent.filter(has_text="I am back.")).to_have_count(1, timeout=60_000)
    expect(page.locator("#inbox-said")).to_be_empty(timeout=60_000)
    # A new chat is heard of, too, as are those that began meanwhile.
    site.chat(name="After the storm")
    expect(row(page, "After the storm")).to_be_visible(timeout=60_000)


def test_a_long_chat_scrolls_in_its_pane(site: Site, agent: Callable[..., Page]) -> None:
    chat = site.chat(name="Papyrus")
    site.guest(chat)
    fill(site, chat["id"], 200)
    page = agent()
    row(page, "Papyrus").click()
    expect(message(page, "Message number 200.")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Join the chat")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_joining_by_a_double_click_and_leaving(site: Site, agent: Callable[..., Page]) -> None:
    site.chat(name="Once")
    page = agent()
    row(page, "Once").click()
    page.get_by_role("button", name="Join the chat").dblclick()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.get_by_role("heading", name="People")).to_have_count(1)
    page.get_by_role("button", name="Leave chat").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave chat").click()
    join = page.get_by_role("button", name="Join the chat")
    expect(join).to_be_visible()
    page.wait_for_timeout(1_000)  # the stream tells of it, too
    expect(join).to_have_count(1)
    expect(page.locator("section.conversation")).to_have_count(1)


def test_two_tabs_of_an_agent(site: Site, agent: Callable[..., Page]) -> None:
    chat = site.chat(name="Two tabs")
    page = agent()
    other = page.context.new_page()
    other.goto(page.url)
    expect(row(other, "Two tabs")).to_be_visible()
    field = joined(page, "Two tabs")
    field.fill("On its way.")
    field.press("Enter")
    expect(row(other, "Two tabs")).to_contain_text("On its way.")
    expect(row(other, "Two tabs")).not_to_contain_text("unread")
    send(site, chat, site.guest(chat), "Thanks")
    expect(row(other, "Two tabs")).to_contain_text("Thanks")
    expect(row(other, "Two tabs")).not_to_contain_text("unread")  # it is read in the first tab


def test_what_two_tabs_have_yet_to_send(site: Site, agent: Callable[..., Page]) -> None:
    chat = site.chat(name="Outboxes")
    page = agent(".*")
    field = joined(page, "Outboxes")
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.get_by_label("Message", exact=True)).to_be_visible()
    # Its requests hang.
    page.route("**/messages", lambda way: way.request.method == "POST" or way.fallback())
    field.fill("precious")
    field.press("Enter")
    expect(page.locator(".messages.pending .message")).to_contain_text("precious")
    tab.get_by_label("Message", exact=True).fill("other")
    tab.get_by_label("Message", exact=True).press("Enter")
    expect(message(tab, "other")).to_be_visible()
    page.close()
    tab.reload()
    expect(message(tab, "precious")).to_be_visible()
    expect(tab.locator(".messages.pending .message")).to_have_count(0)
    sent = site.ask("GET", f"/api/chats/{chat['id']}/messages", token=site.alice)["data"]
    texts = [each["text"] for each in sent]
    assert texts == ["precious", "other"]


def test_a_chat_that_could_not_be_opened_opens_later(
    site: Site, agent: Callable[..., Page]
) -> None:
    chat = site.chat(name="Later")
    page = agent(AWAY)
    page.route(f"**/api/chats/{chat['id']}", lambda way: way.abort())
    row(page, "Later").click()
    expect(page.locator("#inbox-said")).not_to_be_empty()
    page.unroute(f"**/api/chats/{chat['id']}")
    row(page, "Later").click()
    expect(page.get_by_role("button", name="Join the chat")).to_be_visible()


def test_where_pages_may_not_notify_the_inbox_stays_live(
    site: Site, agent: Callable[..., Page]
) -> None:
    chat = site.chat(name="Phone")
    gina = site.guest(chat)
    page = agent(permissions=["notifications"])
    page.add_init_script(
        """
        localStorage.setItem('chatapi:notifications', '"on"');
        globalThis.Notification = class {
            static permission = 'granted';
            constructor() { throw new TypeError('Illegal constructor'); }
        };
        Object.defineProperty(document, 'hidden', { get: () => true });
        """
    )
    page.reload()
    expect(row(page, "Phone")).to_be_visible()
    for text in ("one", "two"):
        send(site, chat, gina, text)
        expect(row(page, "Phone")).to_contain_text(text)


def test_the_new_messages_mark_moves_on(site: Site, agent: Callable[..., Page]) -> None:
    chat = site.chat(name="Marked")
    gina = site.guest(chat)
    page = agent()
    page.add_init_script(
        "Object.defineProperty(document, 'hidden', { get: () => globalThis.away })"
    )
    page.reload()
    joined(page, "Marked")

    def look(away: bool) -> None:
        page.evaluate("(away) => { globalThis.away = away; }", away)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    for away, text in ((True, "first"), (False, "seen"), (True, "second")):
        look(away)
        send(site, chat, gina, text)
        expect(message(page, text)).to_have_count(1)
    mark = page.locator(".messages:not(.pending) > li", has_text="New messages")
    expect(mark).to_have_count(1)
    expect(mark.locator("xpath=following-sibling::li[1]")).to_contain_text("second")
