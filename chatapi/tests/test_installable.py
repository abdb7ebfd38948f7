"""The manifest, the icons and the service worker."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import expect

from chatapi.tests.browser import Person, Site, assert_accessible, shot


def test_the_manifest_names_what_there_is(client: Client, db: None) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    found = answer.json()
    assert found["start_url"] == "/inbox"
    assert found["display"] == "standalone"
    assert {each["sizes"] for each in found["icons"]} >= {"192x192", "512x512"}
    assert "maskable" in {each["purpose"] for each in found["icons"]}
    for each in found["icons"]:
        image = client.get(each["src"])
        assert image.status_code == 200, each["src"]
        assert image["Content-Type"] == each["type"]
        size = int(each["sizes"].split("x")[0]) if each["sizes"] != "any" else 0
        body = image.getvalue()
        image.close()
        if size:  # the width and height of a PNG are its bytes 16 to 24
            assert body[16:24] == size.to_bytes(4) * 2


def test_the_favicon(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer["Content-Type"] == "image/x-icon"
    assert answer.content[:4] == b"\0\0\1\0"
    assert not answer.cookies


def test_the_service_worker_may_always_be_newer(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    version = re.search(r"const VERSION = '(\w{16})'", answer.content.decode())
    assert version
    german = client.get("/service-worker.js", HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert version[1] not in german  # another language is another shell


def test_the_shell_is_the_same_for_everybody(client: Client, alice) -> None:
    anonymous = client.get("/offline")
    assert not anonymous.cookies
    client.force_login(alice.user)
    assert client.get("/offline").content == anonymous.content


@pytest.mark.browser
def test_offline_the_shell_opens_and_nothing_private_is_kept(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Kept nowhere")
    gina = person()
    gina.allow(r"ERR_INTERNET_DISCONNECTED")
    page = gina.page()
    page.goto(chat["url"].removeprefix(site.url))
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # by the worker now
    expect(page.get_by_role("heading", level=1)).to_have_text("Who are you?")
    gina.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
    shot(page, "offline")
    assert_accessible(page)
    kept = page.evaluate(
        "(async () => { const found = [];"
        " for (const name of await caches.keys())"
        " for (const each of await (await caches.open(name)).keys())"
        " found.push(new URL(each.url).pathname);"
        " return found.sort() })()"
    )
    assert kept == [
        "/offline",
        "/static/chatapi/base.css",
        "/static/chatapi/icon.svg",
        "/static/chatapi/pwa/offline.js",
    ]
    gina.context.set_offline(False)  # the page comes back by itself
    expect(page.get_by_role("heading", level=1)).to_have_text("Who are you?")
