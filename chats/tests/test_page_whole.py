"""A conversation with all that it can have, between a guest and two agents, from end to end.

On the embedded default (SQLite, no Redis, files on disk), and on PostgreSQL, Redis and S3; both
with a real worker.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chatapi.tests.browser import HIGH, People, Site, assert_accessible, enter, shot
from chatapi.tests.installation import Installation
from chats.tests.buckets import KEYS
from chats.tests.files import image
from chats.tests.guests import join, message, say

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("s3")]

WORKER = 30_000  # milliseconds for what a worker does, on a busy machine
NARROW = {"width": 390, "height": 844}
S3 = {
    "S3_BUCKET": "files",
    "S3_REGION": "us-east-1",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "a secret",
}


@pytest.fixture(params=["embedded", "services"])
def own_site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """An installation of this test alone."""
    settings: dict[str, str] = dict(HIGH)
    if request.param == "embedded":
        monkeypatch.delenv("TEST_DATABASE_URL")
    else:
        settings |= S3 | {"S3_ENDPOINT_URL": request.getfixturevalue("s3_server")}
    installation = Installation(tmp_path, **settings)
    try:
        installation.env["PUBLIC_URL"] = f"http://127.0.0.1:{installation.port}"
        yield Site(installation)
    finally:
        installation.close()


@pytest.fixture
def people(browser: Browser, own_site: Site) -> Iterator[People]:
    made = People(browser, own_site)
    yield made
    made.leave()
    for each in made.made:
        each.check()


def attach(page: Page, name: str, color: str) -> None:
    content = image(size=(800, 500), color=color)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files([{"name": name, "mimeType": "image/png", "buffer": content}])
    expect(
        page.get_by_role("list", name="Attached files").get_by_role("progressbar")
    ).to_have_count(0)


def thumbnail(page: Page, text: str) -> Locator:
    return message(page, text).locator(".thumbnail img:not(.blur)")


def react(page: Page, text: str, emoji: str) -> None:
    message(page, text).hover()
    message(page, text).get_by_role("button", name="React", exact=True).click()
    page.get_by_role("group", name="Choose a reaction").get_by_role("button", name=emoji).click()


def open_chat(page: Page, site: Site, email: str, chat: dict[str, Any]) -> None:
    enter(site, page, email)
    page.goto(f"/inbox#chat={chat['id']}")
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def note(page: Page, text: str) -> None:
    page.get_by_role("button", name="Note", exact=True).click()
    page.get_by_label("Note for members").fill(text)
    page.get_by_role("button", name="Save the note").click()
    expect(message(page, text)).to_be_visible()


def test_a_guest_and_two_agents(
    own_site: Site, people: People, request: pytest.FixtureRequest
) -> None:
    site = own_site
    members = f"/api/companies/{site.acme['id']}/users"
    bob_token = site.token("bob@acme.test")
    site.as_account("bob@acme.test", "user.first_name = 'Bob'; user.save()")
    site.ask("POST", members, {"email": "bob@acme.test"}, site.alice)
    site.ask("POST", f"{members}/accept", {}, bob_token)
    chat = site.chat(name="Roses")
    gina = people(viewport=NARROW, has_touch=True, is_mobile=True).page()
    join(gina, site, chat)
    alice, bob = people().page(), people().page()
    open_chat(alice, site, "alice@acme.test", chat)
    open_chat(bob, site, "bob@acme.test", chat)

    # A guest sends a picture; the worker makes a thumbnail of it.
    attach(gina, "roses.png", "crimson")
    say(gina, "Do you have **these**?")
    for page in (gina, alice, bob):
        expect(thumbnail(page, "Do you have these?")).to_be_visible(timeout=WORKER)

    # The agents talk about it, then one replies with a picture, and the guest reacts.
    note(alice, "@Bob, do we?")
    expect(message(bob, "@Bob, do we?")).to_be_visible()
    note(bob, "Only white ones")
    message(alice, "Do you have these?").hover()
    message(alice, "Do you have these?").get_by_role("button", name="Reply").click()
    attach(alice, "white.png", "white")
    say(alice, "Only white ones, like these")
    for page in (gina, bob):
        reply = message(page, "Only white ones, like these")
        expect(reply.locator(".quote")).to_contain_text("Do you have **these**?")
        expect(thumbnail(page, "Only white ones, like these")).to_be_visible(timeout=WORKER)
    react(gina, "Only white ones, like these", "❤️")
    for page in (alice, bob):
        expect(message(page, "like these").locator(".reaction")).to_contain_text("❤️")
    react(bob, "Do you have these?", "👍")
    expect(message(gina, "Do you have these?").locator(".reaction")).to_contain_text("👍")

    # The guest has seen nothing of the notes; the agents find everything.
    expect(gina.locator(".note")).to_have_count(0)
    assert "Bob, do we" not in gina.content()
    alice.get_by_label("Search chats and messages").fill("white")
    expect(alice.locator(".hit")).to_have_count(2)
    for page in (gina, alice):
        assert_accessible(page)
    where = request.node.callspec.params["own_site"]
    for scheme in ("light", "dark"):
        for name, page in (("phone", gina), ("desktop", alice)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            shot(page, f"whole-{where}-{name}-{scheme}")

    # A deleted message takes its file along, from the storage too.
    message(gina, "Do you have these?").get_by_role("button", name="Delete").tap()
    gina.get_by_role("dialog").get_by_role("button", name="Delete").tap()
    for page in (gina, alice, bob):
        expect(page.locator(".message.gone")).to_have_text(re.compile("This message was deleted."))
    site.installation.manage("prune")
    assert stored(site) == 2  # the other picture and its thumbnail


def stored(site: Site) -> int:
    """The number of files in the storage of an installation."""
    env = site.installation.env
    if "S3_BUCKET" not in env:
        folder = Path(env["DATA_DIR"]) / "attachments"
        return sum(each.is_file() for each in folder.rglob("*"))
    s3 = boto3.resource("s3", endpoint_url=env["S3_ENDPOINT_URL"], region_name="us-east-1", **KEYS)
    return len(list(s3.Bucket("files").objects.all()))
