"""The search box of the inbox, which finds chats and messages, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chats.tests.guests import AWAY, REFUSED, fill, held_request, message
from chats.tests.inbox import open_inbox, row, send

pytestmark = pytest.mark.browser

SEARCH = re.compile(r"/api/search\?")


def box(page: Page) -> Locator:
    return page.get_by_label("Search chats and messages")


def hits(page: Page) -> Locator:
    return page.get_by_role("list", name="Messages").get_by_role("button")


def status(page: Page) -> Locator:
    return page.locator("#inbox-messages").get_by_role("status")


def said(site: Site, name: str, *texts: str, **fields: Any) -> tuple[dict[str, Any], str]:
    """A chat in which Gina has said something, and her token."""
    chat = site.chat(name=name, **fields)
    gina = site.guest(chat)
    for text in texts:
        send(site, chat, gina, text)
    return chat, gina


def test_messages_are_found_and_opened_by_keys(site: Site, person: Callable[..., Person]) -> None:
    chat, _ = said(site, "Garden", "Do Peonies like shade?", "Or sun?")
    fill(site, chat["id"], 200)
    said(site, "Vase", "Cut peonies last a week.")
    page = open_inbox(site, person())
    expect(page.locator("#inbox-messages")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("peonies")
    expect(hits(page)).to_have_count(2)
    expect(status(page)).to_have_text("2 results found.")
    expect(page.get_by_text("No chats found.")).to_be_visible()
    expect(page.get_by_text("Visitors can start one at:")).to_be_hidden()
    expect(hits(page).locator("mark")).to_have_text(["peonies", "Peonies"])
    expect(hits(page).nth(1)).to_have_text(re.compile("Garden.*Gina Guest: Do Peonies like shade"))
    assert_accessible(page)
    shot(page, "inbox-search")
    hits(page).first.focus()
    page.keyboard.press("ArrowDown")
    expect(hits(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    found = message(page, "Do Peonies like shade?")
    expect(found).to_be_focused()
    expect(found).to_be_in_viewport()
    expect(hits(page).nth(1)).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(f"#chat={chat['id']}$"))
    page.go_back()
    expect(page.get_by_text("Select a chat.")).to_be_visible()


def test_a_hit_opens_a_joined_chat_at_its_message(
    site: Site, person: Callable[..., Person]
) -> None:
    chat, gina = said(site, "Hedge", "The first yew is dry.")
    fill(site, chat["id"], 200)
    send(site, chat, gina, "The last yew is green.")
    site.agent(chat)
    page = open_inbox(site, person())
    box(page).fill("yew")
    expect(hits(page)).to_have_count(2)
    hits(page).filter(has_text="first").click()
    expect(message(page, "The first yew is dry.")).to_be_focused()
    # The chat is open now: the other hit moves within it.
    hits(page).filter(has_text="last").click()
    expect(message(page, "The last yew is green.")).to_be_focused()
    expect(message(page, "The last yew is green.")).to_be_in_viewport()
    expect(page.locator("#inbox-messages .current")).to_have_text(re.compile("last yew"))
    expect(page.locator("section.conversation")).to_have_count(1)


def test_the_last_of_two_hits_counts_while_their_chat_opens(
    site: Site, person: Callable[..., Person]
) -> None:
    chat, _ = said(site, "Orchard", "A quince.", "Another quince.")
    page = open_inbox(site, person())
    box(page).fill("quince")
    expect(hits(page)).to_have_count(2)
    held: list[Route] = []
    page.route(re.compile(f"/api/chats/{chat['id']}$"), lambda route: held.append(route))
    hits(page).filter(has_text="Another").click()
    held_request(page, held)
    hits(page).filter(has_text="A quince").click()
    held[0].continue_()
    expect(message(page, "A quince.")).to_be_focused()
    expect(page.locator("#inbox-messages .current")).to_have_count(1)
    expect(page.locator("section.conversation")).to_have_count(1)


def test_arrows_lead_from_chats_to_messages(site: Site, person: Callable[..., Person]) -> None:
    said(site, "Fuchsia", "A fuchsia in a pot.")
    page = open_inbox(site, person())
    box(page).fill("fuchsia")
    expect(hits(page)).to_have_count(1)
    row(page, "Fuchsia").focus()
    page.keyboard.press("ArrowDown")
    expect(hits(page).first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, "Fuchsia")).to_be_focused()


def test_an_empty_box_and_a_word_that_nobody_said(
    site: Site, person: Callable[..., Person]
) -> None:
    said(site, "Lawn", "The clover is back.")
    page = open_inbox(site, person())
    box(page).fill("clover")
    expect(hits(page)).to_have_count(1)
    box(page).fill("cloverleaf")
    expect(status(page)).to_have_text("No messages or notes found.")
    expect(page.get_by_text("No chats found.")).to_be_visible()
    expect(hits(page)).to_have_count(0)
    box(page).fill("!?")  # the API would refuse it
    expect(page.locator("#inbox-messages")).to_be_hidden()
    box(page).fill("clover")
    expect(hits(page)).to_have_count(1)
    box(page).fill("")
    expect(page.locator("#inbox-messages")).to_be_hidden()
    expect(page.get_by_text("No chats found.")).to_be_hidden()
    expect(row(page, "Lawn")).to_be_visible()


def test_late_answers_are_dropped(site: Site, person: Callable[..., Person]) -> None:
    said(site, "Pond", "A heron is here.", "The carp is gone.")
    alice = person()
    alice.allow(AWAY)  # the request that the next search ends
    page = open_inbox(site, alice)
    held: list[Route] = []
    page.route(re.compile("q=heron"), lambda route: held.append(route))
    box(page).fill("heron")
    late = held_request(page, held)
    box(page).fill("carp")
    expect(hits(page)).to_have_text([re.compile("The carp is gone.")])
    for each in held:
        each.continue_()
    assert late in held
    page.wait_for_timeout(500)
    expect(hits(page)).to_have_text([re.compile("The carp is gone.")])
    expect(status(page)).to_have_text("1 result found.")


def test_only_the_companies_of_the_agent_are_searched(
    site: Site, person: Callable[..., Person]
) -> None:
    charlie = site.token("charlie@dahlia.test")
    theirs = site.ask("POST", "/api/companies", {"name": "Dahlia Ltd"}, charlie)
    ours = site.ask("POST", "/api/companies", {"name": "Second"}, site.alice)
    foreign = site.ask("POST", "/api/chats", {"name": "X", "company_id": theirs["id"]}, charlie)
    token = site.agent(foreign, charlie)
    send(site, foreign, token, "A dahlia of Charlie.")
    said(site, "First bed", "A dahlia of Acme.")
    said(site, "Second bed", "A dahlia of Second.", company_id=ours["id"])
    page = open_inbox(site, person())
    box(page).fill("dahlia")
    expect(hits(page)).to_have_count(2)
    expect(hits(page).filter(has_text="Charlie")).to_have_count(0)
    expect(hits(page).filter(has_text="A dahlia of Acme.").locator(".badge")).to_have_text("Acme")
    page.get_by_label("Company").select_option("Second")
    expect(hits(page)).to_have_text([re.compile("A dahlia of Second.")])
    page.get_by_label("Company").select_option("All companies")
    expect(hits(page)).to_have_count(2)
    site.ask("DELETE", f"/api/companies/{ours['id']}", token=site.alice)


def test_more_messages_are_loaded(site: Site, person: Callable[..., Person]) -> None:
    said(site, "Bulbs", *(f"Hyacinthus bulb {number}" for number in range(25)))
    page = open_inbox(site, person())
    box(page).fill("hyacinthus")
    expect(status(page)).to_have_text("More than 20 results found.")
    more = page.get_by_role("button", name="More results")
    more.focus()
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("25 results found.")
    expect(hits(page)).to_have_count(25)
    expect(more).to_be_hidden()
    expect(hits(page).nth(20)).to_be_focused()


def test_a_failed_search_is_tried_again(site: Site, person: Callable[..., Person]) -> None:
    said(site, "Shed", *(f"The spade {number}" for number in range(25)))
    alice = person()
    alice.allow(f"{REFUSED}|{AWAY}")
    page = open_inbox(site, alice)
    box(page).fill("spade")
    expect(hits(page)).to_have_count(20)
    # A page that fails leaves those before it.
    page.route(SEARCH, lambda route: route.abort())
    page.get_by_role("button", name="More results").click()
    expect(status(page)).to_have_text("No connection. Please try again.")
    expect(hits(page)).to_have_count(20)
    page.unroute(SEARCH)
    page.get_by_role("button", name="Try again").click()
    expect(hits(page)).to_have_count(25)
    refusal = {
        "status": 429,
        "headers": {"Retry-After": "5"},
        "json": {"message": "Slow down.", "code": "rate_limited", "errors": {}},
    }
    page.route(SEARCH, lambda route: route.fulfill(**refusal))
    box(page).fill("the spade")
    expect(status(page)).to_have_text("Too many attempts. Try again in 5 seconds.")
    expect(hits(page)).to_have_count(0)
    assert_accessible(page)
    page.unroute(SEARCH)
    page.get_by_role("button", name="Try again").click()
    expect(hits(page)).to_have_count(20)


def test_a_file_is_found_by_its_name(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Invoices")
    token = site.agent(chat)
    page = open_inbox(site, person())
    for text, name in (("", "gladiolus.txt"), ("As you asked.", "gladiolus-2026.txt")):
        sent = page.request.post(
            f"/api/chats/{chat['id']}/messages",
            headers={"Authorization": f"Bearer {token}"},
            multipart={
                "text": text,
                "file": {"name": name, "mimeType": "text/plain", "buffer": b"Hello"},
            },
        )
        assert sent.ok
    site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "closed"}, site.alice)
    box(page).fill("gladiolus")
    expect(hits(page)).to_have_text(
        [
            re.compile("alice: As you asked..*gladiolus-2026.txt.*Closed"),
            re.compile("alice: 📎 gladiolus.txt.*Closed"),
        ]
    )
    hits(page).last.click()
    expect(message(page, "gladiolus.txt")).to_be_focused()


def test_a_deleted_message_says_so(site: Site, person: Callable[..., Person]) -> None:
    chat, gina = said(site, "Confession")
    sent = send(site, chat, gina, "My secret is wisteria.")
    page = open_inbox(site, person())
    box(page).fill("wisteria")
    expect(hits(page)).to_have_text([re.compile("My secret is wisteria.")])
    path = f"/api/chats/{chat['id']}/messages/{sent['id']}"
    site.ask("PUT", path, {"text": "My secret is a rose."}, gina)
    expect(hits(page)).to_have_text([re.compile("My secret is a rose.")])
    site.ask("DELETE", path, token=gina)
    expect(hits(page)).to_have_text([re.compile("This message was deleted.")])


def test_on_a_phone_back_leads_to_the_hit(site: Site, person: Callable[..., Person]) -> None:
    said(site, "Allotment", "Is the rhubarb ripe? " + "It is long since we have had any. " * 20)
    page = open_inbox(site, person(viewport=PHONE))
    box(page).fill("rhubarb")
    expect(hits(page)).to_have_count(1)
    shot(page, "inbox-search-phone")
    hits(page).click()
    expect(message(page, "Is the rhubarb ripe?")).to_be_focused()
    expect(hits(page)).to_be_hidden()
    page.get_by_role("button", name="Back").click()
    expect(hits(page)).to_be_focused()
    expect(box(page)).to_have_value("rhubarb")
