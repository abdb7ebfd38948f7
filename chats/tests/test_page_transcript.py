"""Transcripts on the pages: saved or mailed, by a guest and by an agent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chatapi.tests.installation import wait_for
from chats.tests.guests import AWAY, REFUSED, fill, join, message, say
from chats.tests.inbox import open_inbox, row
from chats.transcripts import chain
from chats.views.transcripts import MAX_IN_MEMORY

pytestmark = pytest.mark.browser


def dialog(page: Page) -> Locator:
    page.get_by_role("button", name="Transcript").click()
    opened = page.get_by_role("dialog", name="Transcript")
    expect(opened).to_be_visible()
    return opened


def save(page: Page, opened: Locator, label: str) -> tuple[str, str]:
    """The name and the content of the file that a button downloads."""
    with page.expect_download() as download:
        opened.get_by_role("button", name=label).click()
    expect(opened.get_by_role("status")).to_have_text("Downloaded.")
    return download.value.suggested_filename, Path(download.value.path()).read_text()


def test_a_guest_saves_it_and_has_it_mailed(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Roses")
    page = person().page()
    email = join(page, site, chat)
    say(page, "Hello, <b>Bob</b>")
    expect(message(page, "Hello")).to_be_visible()
    opened = dialog(page)
    assert_accessible(page)
    shot(page, "transcript")
    name, content = save(page, opened, "Download as proof (JSON)")
    assert name == f"transcript-{chat['id']}.json"
    keys = site.ask("GET", "/api/transcript-keys")
    chain.verify(json.loads(content), chain.read_jwks(keys))
    name, content = save(page, opened, "Download as text")
    assert name == f"transcript-{chat['id']}.txt"
    assert "    Hello, <b>Bob</b>\n" in content
    name, content = save(page, opened, "Download to print")
    assert name == f"transcript-{chat['id']}.html"
    assert "Hello, &lt;b&gt;Bob&lt;/b&gt;" in content
    opened.get_by_role("button", name="Email it to me").click()
    expect(opened.get_by_role("status")).to_have_text("The transcript is on its way to you.")
    wait_for(
        lambda: any(mail["Subject"] == "Transcript of your chat" for mail in site.mails(email)), 30
    )
    page.keyboard.press("Escape")
    expect(opened).to_be_hidden()
    expect(page.get_by_role("button", name="Transcript")).to_be_focused()


def test_the_page_to_print_runs_and_loads_nothing(
    site: Site, person: Callable[..., Person], tmp_path: Path
) -> None:
    chat = site.chat(name="Print <script>document.title = 'run'</script>")
    page = person(viewport=PHONE).page()
    join(page, site, chat)
    say(page, "Long " * 300 + "<img src=x onerror=\"document.title = 'run'\">")
    expect(message(page, "Long")).to_be_visible()
    page.get_by_role("button", name="People").click()
    _, content = save(page, dialog(page), "Download to print")
    (tmp_path / "transcript.html").write_text(content)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto((tmp_path / "transcript.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("Print <script>")
    expect(page.get_by_text("Long Long").first).to_be_visible()
    assert page.title().startswith("Transcript of chat")
    assert len(requested) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    shot(page, "transcript-print")


def test_a_long_one_arrives_whole(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    join(page, site, chat)
    fill(site, chat["id"], 5_000)
    _, content = save(page, dialog(page), "Download as proof (JSON)")
    assert len(content) > MAX_IN_MEMORY
    document = json.loads(content)
    assert document["seq"] > 5_000
    chain.verify(document, chain.read_jwks(site.ask("GET", "/api/transcript-keys")))


def test_what_goes_wrong_is_said(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    page = gina.page()
    join(page, site, chat)
    opened = dialog(page)
    said = opened.get_by_role("status")
    gina.allow(REFUSED)
    body = json.dumps({"code": "rate_limited", "message": "Too many.", "request_id": "1"})
    page.route(
        "**/transcript*",
        lambda route: route.fulfill(
            status=429, body=body, headers={"Retry-After": "7", "Content-Type": "application/json"}
        ),
    )
    for label in ("Email it to me", "Download as text"):
        opened.get_by_role("button", name=label).click()
        expect(said).to_have_text("Too many attempts. Try again in 7 seconds.")
    page.unroute("**/transcript*")
    page.route("**/transcript*", lambda route: route.abort())
    gina.allow(AWAY)
    opened.get_by_role("button", name="Download as text").click()
    expect(said).to_have_text("No connection. Please try again.")


def test_an_agent_has_it_mailed_without_joining(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Read only")
    page = open_inbox(site, person())
    row(page, "Read only").click()
    opened = dialog(page)
    save(page, opened, "Download as text")
    opened.get_by_role("button", name="Email it to me").click()
    expect(opened.get_by_role("status")).to_have_text("The transcript is on its way to you.")
    said = f"transcript-{chat['id']}.json"
    wait_for(lambda: any(said in str(mail) for mail in site.mails("alice@acme.test")), 30)
