"""The start of a chat with a company, in a page and in a panel of another website."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chats.tests.guests import CODE_ASKED, REFUSED, field, heading, message, say
from chats.tests.websites import DOCS, Host, button

pytestmark = pytest.mark.browser


def introduce(page: Page | FrameLocator, email: str, text: str) -> None:
    page.get_by_label("First name").fill("Gina")
    page.get_by_label("Last name").fill("Guest")
    page.get_by_label("Email").fill(email)
    page.get_by_label("How can we help?").fill(text)
    page.get_by_role("button", name="Start", exact=True).click()


# --- The page ---


def test_a_chat_starts_with_what_it_is_about(site: Site, person: Callable[..., Person]) -> None:
    page = person(viewport=PHONE).page()
    page.goto("/start/acme")
    expect(heading(page)).to_have_text("Start a chat")
    expect(page).to_have_title("Acme")
    shot(page, "start")
    assert_accessible(page)
    email = "starts@guest.test"
    introduce(page, email, "My parcel is lost.")
    expect(heading(page)).to_have_text(CODE_ASKED)
    expect(page).to_have_url(re.compile(r"/chats/\d+$"))
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code(email))
    expect(message(page, "My parcel is lost.")).to_be_visible()
    chat = int(page.url.rpartition("/")[2])
    texts = site.ask("GET", f"/api/chats/{chat}/messages", token=site.alice)["data"]
    assert [each["text"] for each in texts] == ["My parcel is lost."]
    # Starting again on this browser is going on, until the chat is closed.
    page.goto("/start/acme")
    expect(message(page, "My parcel is lost.")).to_be_visible()
    site.ask("PUT", f"/api/chats/{chat}", {"status": "closed"}, site.alice)
    page.get_by_role("button", name="Start a new chat").click()
    expect(heading(page)).to_have_text("Start a chat")


def test_what_was_typed_stays(site: Site, person: Callable[..., Person]) -> None:
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    page.goto("/start/acme")
    introduce(page, "no@address", "A long story.")
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    page.reload()
    expect(page.get_by_label("How can we help?")).to_have_value("A long story.")


def test_out_of_hours_it_is_said(site: Site, person: Callable[..., Person]) -> None:
    text = "Back on Monday. <b>Really</b>"
    never = {"timezone": "UTC"}
    fields = {"name": "Asleep", "opening_hours": never, "closed_text": text}
    company = site.ask("POST", "/api/companies", fields, site.alice)
    page = person().page()
    page.goto(f"/start/{company['slug']}")
    expect(page.get_by_text(text)).to_be_visible()
    assert_accessible(page)


# --- The panel ---


def test_a_visitor_of_another_website_talks_in_the_panel(
    site: Site, person: Callable[..., Person], host: Host
) -> None:
    gina = person(base_url=host.origin)
    page = gina.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(host.serve(site))
    expect(button(page)).to_be_visible()
    page.wait_for_timeout(300)
    assert [url for url in asked if url.startswith(site.url)] == [f"{site.url}/embed.js"]
    shot(page, "embed-button")
    assert_accessible(page)
    button(page).click()
    panel = page.frame_locator("chatapi-embed iframe")
    email = "panel@guest.test"
    introduce(panel, email, "Do you ship to Chile?")
    panel.get_by_label("Digit 1 of 6").press_sequentially(site.code(email))
    said = panel.locator(".messages:not(.pending) .message")
    expect(said.filter(has_text="Do you ship to Chile?")).to_be_visible()
    shot(page, "embed-panel")
    page.keyboard.press("Escape")
    expect(page.locator("chatapi-embed .panel")).not_to_be_visible()
    expect(button(page)).to_be_focused()
    chats = site.ask("GET", "/api/chats", token=site.alice)["data"]
    chat = max(chats, key=lambda each: each["id"])
    agent = site.agent(chat)
    site.ask("POST", f"/api/chats/{chat['id']}/messages", {"text": "Yes!"}, agent)
    expect(button(page, "Get help (1)")).to_be_visible()
    # On the next page of that website, and without a press.
    page.goto(f"{host.origin}/index.html?next")
    expect(button(page, "Get help (1)")).to_be_visible()
    shot(page, "embed-unread")
    button(page, "Get help (1)").click()
    expect(said.filter(has_text="Yes!")).to_be_visible()
    expect(button(page)).to_be_visible()


LISTEN = """
    window.heard = [];
    addEventListener('message', ({ data }) => heard.push(data));
"""
# Whatever a script of the website can get at.
STOLEN = """() => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, window.name, window.heard,
    [...document.querySelector('chatapi-embed').shadowRoot.querySelectorAll('iframe')].map(
        (frame) => [frame.src, frame.name, frame.outerHTML],
    ),
])"""
NO_COOKIES = """
    Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set() {} });
"""


def start_in_panel(site: Site, page: Page, email: str, text: str) -> FrameLocator:
    button(page).click()
    panel = page.frame_locator("chatapi-embed iframe")
    introduce(panel, email, text)
    panel.get_by_label("Digit 1 of 6").press_sequentially(site.code(email))
    expect(panel.locator(".messages:not(.pending) .message").filter(has_text=text)).to_be_visible()
    return panel


def newest_chat(site: Site) -> dict[str, Any]:
    chats = site.ask("GET", "/api/chats", token=site.alice)["data"]
    newest: dict[str, Any] = max(chats, key=lambda each: each["id"])
    return newest


def is_blocked(page: Page) -> bool:
    """Return whether the browser lets the panel keep nothing; the test is of no use otherwise."""
    (frame,) = [each for each in page.frames if "/embed/" in each.url]
    read = "() => { try { return !localStorage } catch { return true } }"
    return bool(frame.evaluate(read))


def test_a_website_reads_nothing_of_what_the_panel_keeps(
    site: Site, person: Callable[..., Person], host: Host
) -> None:
    gina = person(base_url=host.origin)
    gina.context.add_init_script(LISTEN)
    page = gina.page()
    page.goto(host.serve(site))
    email, text = "sealed@guest.test", "A secret of mine."
    panel = start_in_panel(site, page, email, text)
    assert is_blocked(page)
    panel.get_by_role("textbox").fill("An unsent draft.")
    chat = newest_chat(site)
    password = site.ask("POST", f"/api/chats/{chat['id']}/share", {}, site.alice)["password"]
    page.wait_for_function("() => JSON.stringify({...localStorage}).includes('sealed')")
    stolen = page.evaluate(STOLEN)
    page.goto(f"{host.origin}/index.html?next")
    button(page).click()
    said = panel.locator(".messages:not(.pending) .message")
    expect(said.filter(has_text=text)).to_be_visible()  # it is still theirs ...
    expect(panel.get_by_role("textbox")).to_have_value("An unsent draft.")
    stolen += page.evaluate(STOLEN)
    for secret in ("cnc_", password, email, "Gina", "Guest", text, "draft", "chatapi:chat"):
        assert secret not in stolen  # ... and the website has nothing of it
    (key,) = gina.context.cookies()
    assert key["value"] not in stolen
    assert (key["name"], key["path"]) == ("chatapi_panel_key", "/embed")
    assert (key["secure"], key["sameSite"]) == (True, "None")
    assert key["partitionKey"] == host.origin.rpartition(":")[0]
    # What the website was given is good on no other: another browser has no key for it.
    stranger = person(base_url=host.origin)
    other = stranger.page()
    values = page.evaluate("() => ({...localStorage})")
    plant = f"if (top === window) Object.assign(localStorage, {json.dumps(values)})"
    stranger.context.add_init_script(plant)
    other.goto(f"{host.origin}/index.html")
    button(other).click()
    panel = other.frame_locator("chatapi-embed iframe")
    expect(panel.get_by_role("heading", level=1)).to_have_text("Start a chat")


def test_without_any_place_to_keep_a_key_nothing_is_kept(
    site: Site, person: Callable[..., Person], host: Host
) -> None:
    gina = person(base_url=host.origin)
    gina.context.add_init_script(LISTEN)
    gina.context.add_init_script(NO_COOKIES)
    page = gina.page()
    page.goto(host.serve(site))
    panel = start_in_panel(site, page, "memory@guest.test", "Only while I am here.")
    assert is_blocked(page)
    stolen = page.evaluate(STOLEN)
    for secret in ("cnc_", "memory@guest.test", "Gina", "Only while"):
        assert secret not in stolen
    assert page.evaluate("() => Object.values({...localStorage})") == ["{}"]
    page.goto(f"{host.origin}/index.html?next")
    button(page).click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("Start a chat")


def test_what_an_earlier_version_kept_is_erased(
    site: Site, person: Callable[..., Person], host: Host
) -> None:
    page = person(base_url=host.origin).page()
    page.goto(host.serve(site))
    key = f"chatapi:{site.url}:acme"
    kept = {"chatapi:started:acme": 1, "chatapi:chat:1": {"token": "cnc_1_old", "password": "p"}}
    page.evaluate("([key, value]) => { localStorage[key] = value }", [key, json.dumps(kept)])
    page.reload()
    expect(button(page)).to_be_visible()
    assert page.evaluate("key => localStorage[key]", key) == "{}"


@pytest.mark.parametrize(
    "sealed", ["x", "", "AAAA", 5, None, {"token": "cnc_1_x"}, "A" * 2_000_000]
)
def test_a_website_plants_nothing_in_the_panel(
    site: Site, person: Callable[..., Person], host: Host, sealed: Any
) -> None:
    page = person(base_url=host.origin).page()
    page.goto(host.serve(site))
    planted = {"sealed": sealed, "chatapi:started:acme": 1, "chatapi:chat:1": {"token": "cnc_1_x"}}
    page.evaluate(
        "([key, value]) => { localStorage[key] = value }",
        [f"chatapi:{site.url}:acme", json.dumps(planted)],
    )
    page.reload()
    button(page).click()
    panel = page.frame_locator("chatapi-embed iframe")
    expect(panel.get_by_role("heading", level=1)).to_have_text("Start a chat")


def test_a_website_that_may_not_has_a_link(
    site: Site, person: Callable[..., Person], host: Host
) -> None:
    path = f"/api/companies/{site.acme['id']}"
    site.ask("PUT", path, {"allowed_origins": ["https://elsewhere.test"]}, site.alice)
    gina = person(base_url=host.origin)
    gina.allow("frame-ancestors|ERR_BLOCKED_BY_RESPONSE|chrome-error")
    page = gina.page()
    page.goto(host.serve(site))
    button(page).click()
    link = page.get_by_role("link", name="Open in a new window")
    expect(link).to_be_visible(timeout=15_000)
    expect(link).to_have_attribute("href", f"{site.url}/start/acme")
    shot(page, "embed-refused")
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Start a chat")


def test_its_attributes(site: Site, person: Callable[..., Person], host: Host) -> None:
    page = person(base_url=host.origin, viewport=PHONE).page()
    attributes = 'data-text="Frag uns" data-color="gold" data-side="start" data-lang="de"'
    page.goto(host.serve(site, attributes))
    expect(button(page, "Frag uns")).to_have_css("background-color", "rgb(255, 215, 0)")
    expect(button(page, "Frag uns")).to_have_css("color", "rgb(0, 0, 0)")
    box = button(page, "Frag uns").bounding_box()
    assert box is not None
    assert box["x"] < 100
    button(page, "Frag uns").click()
    panel = page.frame_locator("chatapi-embed iframe")
    expect(panel.get_by_role("heading", level=1)).to_have_text("Chat starten")
    page.wait_for_timeout(300)
    shot(page, "embed-phone")


def test_in_a_window(site: Site, person: Callable[..., Person], host: Host) -> None:
    page = person(base_url=host.origin).page()
    page.goto(host.serve(site, 'data-open="window"'))
    with page.expect_popup() as opened:
        button(page).click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Start a chat")


def test_the_script_is_small() -> None:
    script = (DOCS.parent / "chats" / "static" / "chats" / "embed" / "embed.js").read_bytes()
    assert len(gzip.compress(script)) < 6 * 1024


def test_a_chat_said_in_the_page_as_in_the_panel(site: Site, person: Callable[..., Person]) -> None:
    """The panel's page alone, without a website around it."""
    page = person().page()
    page.goto("/embed/acme")
    email = "alone@guest.test"
    introduce(page, email, "Anybody?")
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code(email))
    expect(field(page)).to_be_visible()
    say(page, "Still me")
    expect(message(page, "Still me")).to_be_visible()
