"""Files on the pages of a guest and of an agent, in real browsers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatapi.tests.browser import Person, Site, assert_accessible, shot
from chats.tests.files import image, sound
from chats.tests.guests import AWAY, REFUSED, field, held_request, join, say
from chats.tests.inbox import guest_and_agent, open_inbox

pytestmark = pytest.mark.browser

NARROW = {"width": 390, "height": 844}
TOUCH = {"viewport": NARROW, "has_touch": True, "is_mobile": True}
UPLOADS = "**/attachments"

# Give files to an element as a paste or a drop does.
TRANSFER = """
    ([selector, type, names]) => {
        const data = new DataTransfer();
        for (const name of names) data.items.add(new File(['Hello'], name, { type: 'text/plain' }));
        const options = { bubbles: true, cancelable: true };
        const event = type === 'paste'
            ? new ClipboardEvent(type, { ...options, clipboardData: data })
            : new DragEvent(type, { ...options, dataTransfer: data });
        document.querySelector(selector).dispatchEvent(event);
    }
"""


def picture(name: str = "roses.png", color: str = "red") -> dict[str, Any]:
    content = image(size=(800, 500), color=color)
    return {"name": name, "mimeType": "image/png", "buffer": content}


def note(name: str = "note.txt", content: bytes = b"Hello") -> dict[str, Any]:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def attach(page: Page, *files: dict[str, Any]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def uploads(page: Page) -> Locator:
    return page.get_by_role("list", name="Attached files").get_by_role("listitem")


def expect_uploaded(page: Page, count: int = 1) -> None:
    expect(uploads(page)).to_have_count(count)
    expect(uploads(page).get_by_role("progressbar")).to_have_count(0)
    expect(uploads(page).get_by_role("button", name="Try again")).to_have_count(0)


def sent(page: Page) -> Locator:
    """The messages that the server has and that have files."""
    return page.locator(".messages:not(.pending) .message").filter(has=page.locator(".files"))


def press_send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()


@pytest.fixture
def chat(site: Site) -> dict[str, Any]:
    return site.chat(name="Roses")


@pytest.fixture
def pair(site: Site, person: Callable[..., Person], chat: dict[str, Any]) -> tuple[Page, Page]:
    """A guest and an agent, both in the chat."""
    return guest_and_agent(site, person, chat)


def test_files_are_sent_and_shown_to_both(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    attach(gina, picture(), picture("lilies.png", "yellow"), note())
    expect_uploaded(gina, 3)
    shot(gina, "files-pending")
    assert_accessible(gina)
    gina.set_viewport_size(NARROW)
    shot(gina, "files-pending-phone")
    gina.emulate_media(color_scheme="dark")
    shot(gina, "files-pending-phone-dark")
    gina.emulate_media(color_scheme="light")
    gina.set_viewport_size({"width": 1280, "height": 800})
    press_send(gina)
    for page in pair:
        expect(page.get_by_role("button", name="Open image roses.png")).to_be_visible(timeout=20000)
        expect(page.get_by_role("button", name="Open image lilies.png")).to_be_visible(
            timeout=20000
        )
        thumbnail = page.locator(".thumbnail img:not(.blur)").first
        assert thumbnail.get_attribute("width") == "320"
        assert thumbnail.get_attribute("height") == "200"
        for thumbnail in page.locator(".thumbnail img:not(.blur)").all():
            expect(thumbnail).to_have_js_property("naturalWidth", 480)
        expect(page.locator(".thumbnail .blur")).to_have_count(0)
        expect(sent(page).get_by_role("link", name="note.txt")).to_be_visible()
    expect(uploads(gina)).to_have_count(0)
    expect(agent.locator("#inbox-list .row[aria-current]")).to_contain_text("📎 roses.png")
    with agent.expect_download() as download:
        sent(agent).get_by_role("link", name="note.txt").click()
    assert download.value.suggested_filename == "note.txt"
    assert download.value.path().read_bytes() == b"Hello"
    shot(gina, "files-desktop")
    shot(agent, "files-inbox")
    for page in pair:
        assert_accessible(page)
    agent.emulate_media(color_scheme="dark")
    shot(agent, "files-inbox-dark")
    gina.set_viewport_size(NARROW)
    shot(gina, "files-phone")
    gina.emulate_media(color_scheme="dark")
    shot(gina, "files-phone-dark")


def test_the_gallery_goes_by_keys(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    attach(gina, picture(), picture("lilies.png", "yellow"))
    expect_uploaded(gina, 2)
    say(gina, "Which ones?")
    opener = agent.get_by_role("button", name="Open image roses.png")
    expect(opener).to_be_visible(timeout=20_000)
    expect(agent.get_by_role("button", name="Open image lilies.png")).to_be_visible(timeout=20_000)
    expect(sent(agent)).to_contain_text("Which ones?")
    sent(agent).focus()
    agent.keyboard.press("Tab")
    while not opener.evaluate("node => node === document.activeElement"):
        agent.keyboard.press("Tab")
    agent.keyboard.press("Enter")
    gallery = agent.get_by_role("dialog")
    expect(gallery).to_have_accessible_name("roses.png (1 of 2)")
    expect(gallery.get_by_role("img", name="roses.png")).to_be_visible()
    shot(agent, "gallery")
    assert_accessible(agent)
    agent.keyboard.press("ArrowRight")
    expect(gallery).to_have_accessible_name("lilies.png (2 of 2)")
    agent.keyboard.press("ArrowRight")
    expect(gallery).to_have_accessible_name("roses.png (1 of 2)")
    gallery.get_by_role("button", name="Previous image").click()
    expect(gallery).to_have_accessible_name("lilies.png (2 of 2)")
    expect(gallery.get_by_role("link", name="Download")).to_have_attribute("download", "lilies.png")
    agent.set_viewport_size(NARROW)
    agent.emulate_media(color_scheme="dark")
    shot(agent, "gallery-phone-dark")
    agent.keyboard.press("Escape")
    expect(gallery).to_have_count(0)
    expect(opener).to_be_focused()


def test_pasted_and_dropped_files_are_attached(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    gina.evaluate(TRANSFER, [".composer textarea", "paste", ["pasted.txt"]])
    expect_uploaded(gina, 1)
    gina.evaluate(TRANSFER, [".timeline", "dragover", ["one.txt"]])
    expect(gina.locator(".conversation")).to_have_class(re.compile("dropping"))
    gina.evaluate(TRANSFER, [".timeline", "drop", ["one.txt", "two.txt"]])
    expect(gina.locator(".conversation")).not_to_have_class(re.compile("dropping"))
    expect_uploaded(gina, 3)
    press_send(gina)
    for name in ("pasted.txt", "one.txt", "two.txt"):
        expect(sent(agent).get_by_role("link", name=name)).to_be_visible()


def test_what_cannot_be_attached_is_said_first(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    page = person().page()
    join(page, site, chat)
    error = page.locator(".attaching .error")
    attach(page, note("empty.txt", b""))
    expect(error).to_have_text("“empty.txt” is empty.")
    program = {"name": "run.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"}
    attach(page, program)
    expect(error).to_have_text("“run.exe” is of a type that is not allowed.")
    attach(page, note("large.txt", bytes(26 * 1024 * 1024)))
    expect(error).to_have_text("“large.txt” is larger than 25 MB.")
    expect(uploads(page)).to_have_count(0)
    attach(page, *(note(f"{n}.txt") for n in range(11)))
    expect(error).to_have_text("A message can have at most 10 files.")
    expect_uploaded(page, 10)
    shot(page, "files-refused")
    page.get_by_role("button", name="Remove 3.txt").click()
    expect(uploads(page)).to_have_count(9)
    expect(page.get_by_role("button", name="Remove 4.txt")).to_be_focused()
    expect(error).to_be_hidden()


def test_a_failed_upload_is_tried_again(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person()
    gina.allow(AWAY)
    page = gina.page()
    join(page, site, chat)
    page.route(UPLOADS, lambda route: route.abort())
    attach(page, note())
    expect(uploads(page)).to_contain_text("No connection.")
    field(page).fill("Here it is")
    press_send(page)
    expect(page.get_by_role("alert").filter(has_text="A file was not uploaded.")).to_be_visible()
    expect(sent(page)).to_have_count(0)
    shot(page, "files-failed")
    assert_accessible(page)
    page.unroute(UPLOADS)
    page.get_by_role("button", name="Try again: note.txt").click()
    expect_uploaded(page)
    press_send(page)
    expect(sent(page)).to_contain_text("Here it is")


def test_a_message_waits_for_its_files(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    page = person().page()
    join(page, site, chat)
    held: list[Route] = []
    page.route(UPLOADS, lambda route: held.append(route))
    attach(page, note())
    expect(uploads(page).get_by_role("progressbar", name="Upload of note.txt")).to_be_visible()
    say(page, "Soon")
    expect(page.get_by_text("Your message will be sent once its files are")).to_be_visible()
    expect(field(page)).to_have_value("Soon")
    shot(page, "files-waiting")
    held_request(page, held).continue_()
    expect(sent(page)).to_contain_text("Soon")
    expect(sent(page).get_by_role("link", name="note.txt")).to_be_visible()
    expect(field(page)).to_have_value("")


def test_sounds_are_played_and_deleted_messages_have_no_files(pair: tuple[Page, Page]) -> None:
    gina, agent = pair
    attach(gina, {"name": "hello.wav", "mimeType": "audio/wav", "buffer": sound()})
    expect_uploaded(gina)
    press_send(gina)
    for page in pair:
        expect(page.locator("audio[aria-label='hello.wav']")).to_be_visible(timeout=20_000)
        expect(page.locator("audio")).to_have_js_property("duration", 2)
    shot(agent, "files-sound")
    sent(agent).hover()
    sent(agent).get_by_role("button", name="Reply").click()
    expect(agent.get_by_role("group", name="Replying to a message")).to_contain_text("📎")
    agent.keyboard.press("Escape")
    sent(gina).hover()
    sent(gina).get_by_role("button", name="Delete").click()
    gina.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in pair:
        expect(page.get_by_text("This message was deleted.").first).to_be_visible()
        expect(page.locator("audio")).to_have_count(0)


def test_files_on_a_phone_by_touch(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    page = person(**TOUCH).page()
    join(page, site, chat)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").tap()
    assert chooser.value.is_multiple()
    chooser.value.set_files([picture()])
    expect_uploaded(page)
    page.get_by_role("button", name="Send", exact=True).tap()
    opener = page.get_by_role("button", name="Open image roses.png")
    expect(opener).to_be_visible(timeout=20_000)
    opener.tap()
    expect(page.get_by_role("dialog").get_by_role("img", name="roses.png")).to_be_visible()
    shot(page, "gallery-phone")
    page.get_by_role("dialog").get_by_role("button", name="Close").tap()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_files_by_keys_alone(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    page = person().page()
    join(page, site, chat)
    expect(field(page)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([note(), note("other.txt")])
    expect_uploaded(page, 2)
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Remove other.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove note.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(uploads(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_a_member_who_only_reads_sees_files_and_which_are_damaged(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person().page()
    join(gina, site, chat)
    agent = open_inbox(site, person())
    agent.goto(f"/inbox#chat={chat['id']}")
    expect(agent.get_by_role("button", name="Join the chat")).to_be_visible()
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": image()[:60]}
    attach(gina, broken, picture())
    expect_uploaded(gina, 2)
    press_send(gina)
    for page in (gina, agent):
        expect(page.get_by_role("button", name="Open image roses.png")).to_be_visible(timeout=20000)
        expect(sent(page)).to_contain_text("broken.png could not be shown.", timeout=20_000)
    shot(agent, "files-reading")


def test_an_image_whose_link_expired_is_loaded_by_a_fresh_one(
    site: Site, person: Callable[..., Person], chat: dict[str, Any]
) -> None:
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    join(page, site, chat)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=403)

    page.route("**/files/**", refuse_once)
    attach(page, picture())
    expect_uploaded(page)
    press_send(page)
    shown = page.locator(".thumbnail img:not(.blur)")
    expect(shown).to_have_js_property("naturalWidth", 480, timeout=20_000)
    assert refused
